/**
 * The vocabulary and the decisions of KeyZero, for programs that work with its configuration, its tokens and its errors.
 * All of it is pure: no I/O, no clock.
 *
 * @example Whether a secret may go to a host
 * ```ts
 * import { isGranted, parseHost, parseHostGrant } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * const grants = [parseHostGrant("api.github.com/repos/acme")];
 * const target = { host: parseHost("API.github.com."), port: 443, defaultPort: 443, path: "/repos/acme/kz" };
 * assert.equal(isGranted(grants, target), true);
 * assert.equal(isGranted(grants, { ...target, path: "/user" }), false);
 * ```
 *
 * @module
 */
export {
  type ConnectionDecision,
  type ConnectionRequest,
  type ConnectionRule,
  decideConnection,
  type HostMatcher,
  parseConnectionRule,
} from "./policy/connection_rule.ts";
export type { Brand } from "./policy/brand.ts";
export { AppError, ERROR_CODES, type ErrorCode, type ErrorKind, EXIT } from "./policy/error.ts";
export { type Host, parseHost } from "./policy/host.ts";
export {
  type HostGrant,
  type HostPattern,
  isGranted,
  matchesHost,
  parseHostGrant,
  parseHostPattern,
} from "./policy/host_pattern.ts";
export { type Mask, type MaskedValue, maskValue, parseMask } from "./policy/mask.ts";
export { makeMaskedToken, type MaskedToken, tokenRegExp } from "./policy/masked_token.ts";
export { parsePlacement, type Placement } from "./policy/placement.ts";
export { Secret } from "./policy/secret.ts";
export { parseSecretName, type SecretName } from "./policy/secret_name.ts";
export { parseSecretRef, type SecretRef } from "./policy/secret_ref.ts";
