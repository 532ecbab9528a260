import type { WireError } from "../../policy/error.ts";
import type { Network } from "../../policy/server/bundle.ts";

// The JWKS worker of a team server: it alone reaches the hosts that publish issuers' keys, and reaches no other.

/** Of a key set; large issuers publish some 10 KiB. */
export const MAX_JWKS_BYTES = 256 * 1024;

/** A place that publishes keys. */
export interface JwksSource {
  /** As the bundle writes it: https; http only to this machine and with `allowPrivate`. */
  readonly url: string;
  /** The bundle says that the address may be private. */
  readonly allowPrivate: boolean;
}

/** What the supervisor tells the worker, once. A new bundle gets a new worker, whose permissions are its hosts. */
export interface JwksSetup {
  readonly kind: "start";
  readonly sources: readonly JwksSource[];
  readonly network: Network;
  /** {@linkcode JwksRequest} in, the text out; `ISSUER_UNAVAILABLE` if there is none. */
  readonly calls: MessagePort;
}

/** The URL of a source. Any other is refused. */
export interface JwksRequest {
  readonly url: string;
}

/** What the worker tells the supervisor: that it broke. */
export interface JwksReport {
  readonly kind: "failed";
  readonly error: WireError;
}
