import type { Host } from "../../policy/host.ts";
import { isGranted } from "../../policy/host_pattern.ts";
import { mayStand, type Place } from "../../policy/placement.ts";
import { Refusal } from "../refusal.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";
import type { TokenGrant, TokenTable } from "../token_table.ts";

/** Where a request goes. */
export interface Destination {
  readonly host: Host;
  readonly port: number;
  /** The request's path without its query. */
  readonly path: string;
  /** TLS with a verified peer, or clear text to a loopback address that a rule names. */
  readonly trusted: boolean;
  readonly defaultPort: number;
}

/** What a swap goes by. */
export interface SwapContext {
  readonly destination: Destination;
  readonly tokens: TokenTable;
  /** Finds tokens in every encoding. */
  readonly encoded: ScrubPlan;
  /** Collects the secrets that go out. */
  readonly used: Set<SecretName>;
}

/**
 * What a token stands for, if that may stand in a place and go to the destination.
 *
 * @throws {Refusal} which names the secret to the operator.
 */
export function requireGrant(token: string, place: Place, { destination, tokens, used }: SwapContext): TokenGrant {
  const grant = tokens.get(token);
  if (grant === undefined) throw new Refusal("PROXY_TOKEN_UNKNOWN");
  const facts = { secret: grant.name };
  if (!mayStand(grant.in, place)) throw new Refusal("PROXY_TOKEN_MISPLACED", facts);
  if (!isGranted(grant.hosts, destination)) throw new Refusal("POLICY_SECRET_HOST_DENIED", facts);
  if (!destination.trusted) throw new Refusal("PROXY_CLEAR_TEXT", facts);
  used.add(grant.name);
  return grant;
}

/** Hands out a secret as text, for a place that has an encoding of its own. */
export function revealText<T>(grant: TokenGrant, use: (real: string) => T): T {
  return grant.real.reveal((bytes) => use(new TextDecoder().decode(bytes)));
}
