import type { IssuerKeys, StaticKey } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { timeLimit } from "../../../proxy/time_limit.ts";
import { parseJwks } from "./jwks.ts";
import { type KeyChoice, KeySet, type KeyWanted } from "./key_set.ts";
import { importStaticKey } from "./verification_key.ts";

/** Where the keys of one issuer come from. */
export interface KeySource {
  /** @throws {Denial} `ISSUER_UNAVAILABLE` while they cannot be known. */
  choose(wanted: KeyWanted): Promise<KeyChoice>;
}

/** What keys are fetched by, and the clock. */
export interface KeySourceOptions {
  readonly fetchJwks: (url: string) => Promise<string>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function keySource(keys: IssuerKeys, options: KeySourceOptions): KeySource {
  return keys.kind === "static" ? new StaticKeys(keys.keys) : new JwksKeys(keys, options);
}

/** The keys that stand in a bundle. */
class StaticKeys implements KeySource {
  readonly #keys: readonly StaticKey[];
  #set: Promise<KeySet> | undefined;

  constructor(keys: readonly StaticKey[]) {
    this.#keys = keys;
  }

  async choose(wanted: KeyWanted): Promise<KeyChoice> {
    this.#set ??= Promise.all(this.#keys.map(importStaticKey)).then((keys) => new KeySet(keys));
    try {
      return (await this.#set).choose(wanted);
    } catch (cause) {
      // The bundle's own check says more; here nothing is verified with half of the keys.
      throw new Denial("ISSUER_UNAVAILABLE", { detail: "a static key cannot be used", cause });
    }
  }
}

/** A key that was withdrawn is believed this much longer at most, while its issuer can be reached. */
const REFRESH_MS = 5 * 60_000;
/** From this age on a token waits for the refresh. */
const REFRESH_WAIT_MS = 10 * 60_000;
/** How long an issuer may be away before its tokens are refused. */
const STALE_MS = 60 * 60_000;
/** Between refreshes that unknown keys ask for: anybody can make such tokens. */
const UNKNOWN_PAUSE_MS = 30_000;
/** Between attempts while an issuer fails. */
const RETRY_PAUSE_MS = 5_000;
/**
 * Requests that wait for an issuer that failed before: anybody can make tokens of its, and each that waits has one of the
 * places that callers of all issuers share.
 */
const MAX_WAITING = 16;
/** The JWKS worker gives up before; this is for a worker that is gone. */
const FETCH_LIMIT_MS = 10_000;

/** The keys that an issuer publishes, held for a while. At most one fetch goes on at a time. */
class JwksKeys implements KeySource {
  readonly #keys: Extract<IssuerKeys, { kind: "jwks" }>;
  readonly #options: KeySourceOptions;
  #held: { readonly set: KeySet; readonly fetchedAt: number } | undefined;
  /** The last attempt that ended, or the one that goes on. */
  #attempt: { readonly at: number; failure: Denial | undefined } | undefined;
  #refreshing: Promise<void> | undefined;
  #waiting = 0;

  constructor(keys: Extract<IssuerKeys, { kind: "jwks" }>, options: KeySourceOptions) {
    this.#keys = keys;
    this.#options = options;
  }

  async choose(wanted: KeyWanted): Promise<KeyChoice> {
    await this.#keepFresh();
    const choice = this.#set().choose(wanted);
    if (choice.kind !== "unknown" || choice.ambiguous) return choice;
    // A new key, perhaps: issuers begin to use one soon after they publish it.
    if (this.#refreshing !== undefined || this.#passed(UNKNOWN_PAUSE_MS)) await this.#wait(this.#refresh());
    const again = this.#set().choose(wanted);
    // While the issuer fails, nobody can say that it has no such key.
    if (again.kind === "unknown" && this.#attempt?.failure !== undefined) throw this.#attempt.failure;
    return again;
  }

  /** The keys that may be believed now. */
  #set(): KeySet {
    if (this.#held !== undefined && this.#age() <= STALE_MS) return this.#held.set;
    throw this.#attempt?.failure ?? new Denial("ISSUER_UNAVAILABLE");
  }

  async #keepFresh(): Promise<void> {
    const age = this.#age();
    if (age <= REFRESH_MS) return;
    const failing = this.#attempt?.failure !== undefined;
    if (this.#refreshing === undefined && failing && !this.#passed(RETRY_PAUSE_MS)) return;
    const refreshed = this.#refresh();
    // An issuer that is away does not make each caller wait, as long as its keys may be believed.
    if (age > (failing ? STALE_MS : REFRESH_WAIT_MS)) await this.#wait(refreshed);
  }

  /** @throws {Denial} the failure before, if it was one and enough wait already. */
  async #wait(refreshed: Promise<void>): Promise<void> {
    const failure = this.#attempt?.failure;
    if (failure !== undefined && this.#waiting >= MAX_WAITING) throw failure;
    this.#waiting++;
    await refreshed;
    this.#waiting--;
  }

  /** Of the keys, in milliseconds. A clock that was set back makes them old, so that they are fetched again. */
  #age(): number {
    if (this.#held === undefined) return Infinity;
    const age = this.#options.now() - this.#held.fetchedAt;
    return age < 0 ? REFRESH_WAIT_MS + 1 : age;
  }

  /** Whether the last attempt began so long ago, by a clock that may be set back. */
  #passed(pauseMs: number): boolean {
    if (this.#attempt === undefined) return true;
    const since = this.#options.now() - this.#attempt.at;
    return since < 0 || since >= pauseMs;
  }

  /** Never rejects: what failed shows in the attempt, and in keys that get old. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetch().finally(() => this.#refreshing = undefined);
    return this.#refreshing;
  }

  async #fetch(): Promise<void> {
    const attempt = this.#attempt = { at: this.#options.now(), failure: this.#attempt?.failure };
    try {
      using limit = timeLimit(FETCH_LIMIT_MS, () => new Denial("ISSUER_UNAVAILABLE"));
      const text = await limit.within(this.#options.fetchJwks(this.#keys.url));
      this.#held = { set: parseJwks(text, this.#keys.algorithms), fetchedAt: attempt.at };
      attempt.failure = undefined;
    } catch (error) {
      const isOurs = error instanceof Denial && error.code === "ISSUER_UNAVAILABLE";
      attempt.failure = isOurs ? error : new Denial("ISSUER_UNAVAILABLE");
    }
  }
}
