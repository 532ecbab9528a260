import type { Host } from "../host.ts";
import type { ResourceRef } from "./resource_ref.ts";

/**
 * What is written down of one decision or swap. Never a value, a JWT or a token; a token is named by its id.
 *
 * The audit worker adds time, sequence number and hashes.
 */
export interface AuditEvent {
  /**
   * `resolve`, `fetch`: a decision on a caller's request. `swap`: a token was replaced at the proxy, or refused there.
   * `revoke`: tokens were revoked. `server`: started, stopped, reloaded, or a reload that was refused.
   */
  readonly event: "resolve" | "fetch" | "swap" | "revoke" | "server";
  /** `error`: it was allowed, and then failed. */
  readonly outcome: "allowed" | "denied" | "error";
  /** Why not: a `DenialCode`, a `RefusalCode` of the proxy or an `ErrorCode`. */
  readonly code?: string;
  /** Of the verified identity; absent where there was none. */
  readonly issuer?: string;
  readonly subject?: string;
  readonly ref?: ResourceRef;
  /** The policy that decided, or `default-deny`. */
  readonly policy?: string;
  readonly mode?: "masked" | "direct";
  readonly tokenId?: string;
  /** Whose tokens were revoked, where it was not one by its id. */
  readonly revokedIssuer?: string;
  readonly revokedSubject?: string;
  readonly host?: Host;
  readonly port?: number;
  readonly method?: string;
  /** The host's answer. */
  readonly status?: number;
  /** A fixed phrase of ours. */
  readonly detail?: string;
}
