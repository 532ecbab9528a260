import type { WireError } from "../../../policy/error.ts";
import type { RedisAddress } from "../../../policy/server/redis_address.ts";

// The state worker: it keeps revocations and answers for them, on a port of each worker that asks.

/** What the supervisor tells the state worker: its setup once, and then ports as workers come. */
export type StateMessage =
  | {
    readonly kind: "start";
    /** Absent: revocations are kept in memory. */
    readonly redis: RedisSetup | undefined;
  }
  /** `StateRequest` in, `StateAnswer` out. */
  | { readonly kind: "connect"; readonly port: MessagePort }
  /** The password was read anew; the port carries one `ValueMessage`. */
  | { readonly kind: "password"; readonly port: MessagePort };

export interface RedisSetup {
  readonly address: RedisAddress;
  /** Roots besides the usual ones, PEM. */
  readonly roots: readonly string[];
  /** Carries one `ValueMessage`: the supervisor hands it on unread. Absent: there is no password. */
  readonly password: MessagePort | undefined;
}

/** Why Redis cannot be asked. */
export type RedisFault = "unreachable" | "silent" | "untrusted" | "password-refused" | "refusing";

/** What the state worker tells the supervisor. */
export type StateReport =
  /** It answers; with Redis, the first attempt to reach it has come to an end. */
  | { readonly kind: "ready" }
  /** Redis can be asked, after a time when it could not. */
  | { readonly kind: "restored" }
  /** Redis cannot be asked: nobody's token is taken until it can. */
  | { readonly kind: "lost"; readonly fault: RedisFault }
  | { readonly kind: "failed"; readonly error: WireError };
