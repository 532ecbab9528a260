import { createHash } from "node:crypto";
import { Denial } from "../../../policy/server/denial.ts";
import type { ServerLimits } from "./server_limits.ts";

type CallerLimits = Pick<
  ServerLimits,
  "callerPerSecond" | "callerBurst" | "callerActive" | "failuresPerSecond" | "failuresBurst" | "callersRemembered"
>;

/** A longer name is remembered by its hash, so that 16 KiB of a claim do not stay. */
const MAX_KEY_LENGTH = 128;

/** What is known of one caller or address. */
interface Entry {
  tokens: number;
  /** Milliseconds, of the clock that was passed in. */
  at: number;
  active: number;
}

/**
 * Limits each caller by itself (TM-38).
 *
 * A verified caller has a bucket of requests and a number of them at one time, wherever it calls from. An address only
 * pays for requests that were not a verified caller's, so that callers behind one load balancer do not pay for each other.
 */
export class CallerLimiter {
  readonly #limits: CallerLimits;
  readonly #now: () => number;
  /** Least recently seen first. */
  readonly #callers = new Map<string, Entry>();
  readonly #addresses = new Map<string, Entry>();

  /** @param now Milliseconds that never go back, for example `performance.now`. */
  constructor(limits: CallerLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Before a request is read: refuses an address that sent too many that came to nothing.
   *
   * @throws {Denial} `TOO_MANY_REQUESTS`
   */
  admitAddress(address: string): void {
    const { failuresPerSecond, failuresBurst } = this.#limits;
    const entry = this.#addresses.get(addressKey(address));
    if (entry === undefined) return;
    refill(entry, { now: this.#now(), perSecond: failuresPerSecond, burst: failuresBurst });
    if (entry.tokens < 1) throw tooMany("too many requests from this address failed");
  }

  /**
   * After a request that was not a verified caller's. It may run into debt: many at one time are let in before the first
   * of them is found to have failed.
   */
  chargeAddress(address: string): void {
    const { failuresPerSecond, failuresBurst } = this.#limits;
    const entry = this.#entry(this.#addresses, addressKey(address), failuresBurst);
    refill(entry, { now: this.#now(), perSecond: failuresPerSecond, burst: failuresBurst });
    entry.tokens = Math.max(-failuresBurst, entry.tokens - 1);
  }

  /**
   * Called by the broker once it has verified who calls, before it does anything else.
   *
   * @returns The caller's share, to be given back when its request was answered.
   * @throws {Denial} `TOO_MANY_REQUESTS`
   */
  admitCaller(issuer: string, subject: string): Disposable {
    const { callerPerSecond, callerBurst, callerActive } = this.#limits;
    const entry = this.#entry(this.#callers, callerKey(issuer, subject), callerBurst);
    refill(entry, { now: this.#now(), perSecond: callerPerSecond, burst: callerBurst });
    if (entry.tokens < 1) throw tooMany("wait a second before the next request");
    if (entry.active >= callerActive) throw tooMany("wait for earlier requests to be answered");
    entry.tokens--;
    entry.active++;
    let held = true;
    return {
      [Symbol.dispose]() {
        if (held) entry.active--;
        held = false;
      },
    };
  }

  /** How many callers and addresses are remembered. */
  get remembered(): number {
    return this.#callers.size + this.#addresses.size;
  }

  #entry(entries: Map<string, Entry>, key: string, burst: number): Entry {
    let entry = entries.get(key);
    if (entry === undefined) {
      if (entries.size >= this.#limits.callersRemembered) forgetOne(entries);
      entry = { tokens: burst, at: this.#now(), active: 0 };
    } else entries.delete(key);
    entries.set(key, entry);
    return entry;
  }
}

function tooMany(detail: string): Denial {
  return new Denial("TOO_MANY_REQUESTS", { detail });
}

function refill(entry: Entry, { now, perSecond, burst }: { now: number; perSecond: number; burst: number }): void {
  entry.tokens = Math.min(burst, entry.tokens + Math.max(0, now - entry.at) / 1000 * perSecond);
  entry.at = now;
}

/** One that has nothing at work: its number would be lost. There are fewer requests at work than entries. */
function forgetOne(entries: Map<string, Entry>): void {
  for (const [key, entry] of entries) {
    if (entry.active === 0) {
      entries.delete(key);
      return;
    }
  }
}

function callerKey(issuer: string, subject: string): string {
  const key = JSON.stringify([issuer, subject]);
  return key.length <= MAX_KEY_LENGTH ? key : createHash("sha256").update(key).digest("base64");
}

/** An IPv6 client has the whole of its /64, and may take another address of it for each request. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4).join(":");
}
