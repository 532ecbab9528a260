import { Secret } from "../../policy/secret.ts";
import { parseSecretRef, type SecretRef } from "../../policy/secret_ref.ts";
import { Denial } from "../../policy/server/denial.ts";
import type { PortCaller } from "../port_calls.ts";
import type { ValueFromResolver } from "../protocol.ts";
import { type Replacement, ScrubPlan } from "../scrub/scrub_plan.ts";
import { timeLimit } from "../time_limit.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import type { ValueRequest } from "./protocol.ts";

/**
 * What stands for a value in a response. It is the same for every value, so that nobody learns from it which resource a
 * host echoed, or that two have one value; and a caller that sends it on is refused, like one that sends a token.
 */
export const VALUE_STAND_IN = "kz_masked_value";

/** A value as it was read once. */
interface HeldValue {
  readonly secret: Secret;
  /** A string, since its encoded forms are made of one; it lives as long as the value is searched for. */
  readonly replacement: Replacement;
  readonly bytes: number;
  readonly readAt: number;
}

/** One secret of one backend. */
interface Entry {
  readonly request: ValueRequest;
  /** Newest first. */
  values: readonly HeldValue[];
  /** Scopes that use it; until all end it is neither thrown away nor forgotten in what is searched for. */
  users: number;
  /** A host did not accept it: it is read again before it is used again. */
  isStale: boolean;
  reading: Promise<HeldValue> | undefined;
  failure: { readonly denial: Denial; readonly until: number } | undefined;
}

/**
 * The values that a worker holds, each read once for all who ask at the same time.
 *
 * Whoever is given a value owns a copy and ends it with its scope, so that a value that is thrown away here stays whole
 * for those who use it.
 */
export class ValueCache implements Disposable {
  readonly #vault: Pick<PortCaller<ValueRequest, null>, "callWithPorts">;
  readonly #now: () => number;
  /** By backend and secret, least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #plan: ScrubPlan | undefined;

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(
    vault: Pick<PortCaller<ValueRequest, null>, "callWithPorts">,
    now: () => number = () => performance.now(),
  ) {
    this.#vault = vault;
    this.#now = now;
  }

  /**
   * Gives a value, read at most `ttlMs` ago.
   *
   * @returns The caller's own, to be disposed at the end of its use; until then responses are searched for it.
   * @throws {Denial} `SECRET_UNAVAILABLE`; `SECRET_UNUSABLE` for one that is not UTF-8 or too long; `OVERLOADED` when as
   * many other values are in use as are held at most.
   */
  async get(request: ValueRequest, { ttlMs }: { ttlMs: number }): Promise<Secret> {
    const entry = this.#entryOf(request);
    entry.users++;
    const release = () => {
      entry.users--;
    };
    try {
      const { secret } = await this.#fresh(entry, ttlMs);
      return secret.reveal((bytes) => new OwnedSecret(secret.ref, bytes.slice(), release));
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A host answered 401 to a value: it is read again before its next use, unless it was read a moment ago. */
  markUnauthorized(request: ValueRequest): void {
    const entry = this.#entries.get(keyOf(request));
    const readAt = entry?.values[0]?.readAt ?? Infinity;
    if (entry !== undefined && this.#now() - readAt >= EDGE_LIMITS.unauthorizedPauseMs) entry.isStale = true;
  }

  /** Finds every value that is held, and the last ones before it, in what comes back. Another object after a change. */
  get valuePlan(): ScrubPlan {
    return this.#plan ??= new ScrubPlan(this.replacements);
  }

  /** The same as a list. */
  get replacements(): readonly Replacement[] {
    return this.#entries.values().flatMap(({ values }) => values).map(({ replacement }) => replacement).toArray();
  }

  #entryOf(request: ValueRequest): Entry {
    const key = keyOf(request);
    const known = this.#entries.get(key);
    if (known === undefined) this.#makeRoom({ entries: 1, bytes: 0 });
    const entry = known ??
      { request, values: [], users: 0, isStale: false, reading: undefined, failure: undefined };
    // The end of the map is what was used last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #fresh(entry: Entry, ttlMs: number): Promise<HeldValue> {
    const now = this.#now();
    const [newest] = entry.values;
    if (newest !== undefined && !entry.isStale && now - newest.readAt < ttlMs) return Promise.resolve(newest);
    if (entry.failure !== undefined && now < entry.failure.until) return Promise.reject(entry.failure.denial);
    return entry.reading ??= this.#read(entry).finally(() => entry.reading = undefined);
  }

  /** A value that cannot be read again is not used any more: it may have been taken back. */
  async #read(entry: Entry): Promise<HeldValue> {
    entry.failure = undefined;
    try {
      const value = this.#accept(entry, await receiveValue(this.#vault, entry.request));
      entry.isStale = false;
      return value;
    } catch (error) {
      const denial = unavailable(error);
      entry.failure = { denial, until: this.#now() + EDGE_LIMITS.failureMs };
      throw denial;
    }
  }

  #accept(entry: Entry, bytes: Uint8Array): HeldValue {
    const [before] = entry.values;
    using owned = new Secret(refOf(entry.request), bytes);
    const text = decode(bytes);
    const readAt = this.#now();
    if (before?.replacement.text === text) {
      const value = { ...before, readAt };
      entry.values = [value, ...entry.values.slice(1)];
      return value;
    }
    this.#makeRoom({ entries: 0, bytes: bytes.length });
    const value: HeldValue = {
      secret: new Secret(owned.ref, bytes.slice()),
      replacement: { text, standIn: VALUE_STAND_IN },
      bytes: bytes.length,
      readAt,
    };
    // One that came back is held once.
    const others = entry.values.filter(({ replacement }) => replacement.text !== text);
    const kept = [value, ...others].slice(0, 1 + EDGE_LIMITS.keptValues);
    this.#discard(entry.values.filter((old) => !kept.includes(old)));
    entry.values = kept;
    this.#bytes += value.bytes;
    this.#plan = undefined;
    return value;
  }

  /** Forgets what was used least recently, and nothing that is in use. */
  #makeRoom(wanted: { entries: number; bytes: number }): void {
    for (const [key, { users, values }] of this.#entries) {
      const fits = this.#entries.size + wanted.entries <= EDGE_LIMITS.values &&
        this.#bytes + wanted.bytes <= EDGE_LIMITS.valuesBytes;
      if (fits) return;
      if (users > 0) continue;
      this.#entries.delete(key);
      this.#discard(values);
    }
    if (this.#entries.size + wanted.entries > EDGE_LIMITS.values) throw new Denial("OVERLOADED");
    if (this.#bytes + wanted.bytes > EDGE_LIMITS.valuesBytes) throw new Denial("OVERLOADED");
  }

  #discard(values: readonly HeldValue[]): void {
    for (const { secret, bytes } of values) {
      this.#bytes -= bytes;
      secret[Symbol.dispose]();
    }
    if (values.length > 0) this.#plan = undefined;
  }

  [Symbol.dispose](): void {
    for (const { values } of this.#entries.values()) this.#discard(values);
    this.#entries.clear();
  }
}

/** A copy that says when its scope has ended. */
class OwnedSecret extends Secret {
  #release: (() => void) | undefined;

  constructor(ref: SecretRef, bytes: Uint8Array, release: () => void) {
    super(ref, bytes);
    this.#release = release;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#release?.();
    this.#release = undefined;
  }
}

function keyOf({ backend, secret }: ValueRequest): string {
  return JSON.stringify([backend, secret]);
}

function refOf({ secret }: ValueRequest): SecretRef {
  try {
    return parseSecretRef(secret);
  } catch (cause) {
    throw new Denial("SECRET_UNAVAILABLE", { cause });
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes.length <= EDGE_LIMITS.valueBytes) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      // Said below.
    }
  }
  throw new Denial("SECRET_UNUSABLE", { detail: "it is not UTF-8 text, or too long" });
}

/** What callers are told. Denials of these kinds keep their own words; all else is only said to have failed. */
function unavailable(error: unknown): Denial {
  const told = error instanceof Denial &&
    (error.code === "SECRET_UNAVAILABLE" || error.code === "SECRET_UNUSABLE" || error.code === "OVERLOADED");
  return told ? error : new Denial("SECRET_UNAVAILABLE", { cause: error });
}

/** Asks for a value and takes it from the port that the answer brings. */
async function receiveValue(
  vault: Pick<PortCaller<ValueRequest, null>, "callWithPorts">,
  request: ValueRequest,
): Promise<Uint8Array> {
  const late = new Denial("SECRET_UNAVAILABLE", { detail: "its backend does not answer in time" });
  using limit = timeLimit(EDGE_LIMITS.valueTimeoutMs, () => late);
  const answered = vault.callWithPorts(request);
  let ports: readonly MessagePort[];
  try {
    ({ ports } = await limit.within(answered));
  } catch (error) {
    // A port that comes too late would stay open, with a value in it.
    answered.then(({ ports }) => closeAll(ports), () => {});
    throw error;
  }
  try {
    const [port] = ports;
    if (port === undefined) throw new Denial("SECRET_UNAVAILABLE");
    const value = Promise.withResolvers<Uint8Array>();
    port.onmessage = ({ data }: MessageEvent<ValueFromResolver>) => value.resolve(data.bytes);
    return await limit.within(value.promise);
  } finally {
    closeAll(ports);
  }
}

function closeAll(ports: readonly MessagePort[]): void {
  for (const port of ports) port.close();
}
