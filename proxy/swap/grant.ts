import type { Host } from "../../policy/host.ts";
import { isGranted } from "../../policy/host_pattern.ts";
import { mayStand, type Place } from "../../policy/placement.ts";
import { Refusal, type RefusalFacts } from "../refusal.ts";
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
export function requireGrant(token: string, place: Place, context: SwapContext): TokenGrant {
  const grant = context.tokens.get(token);
  if (grant === undefined) throw new Refusal("PROXY_TOKEN_UNKNOWN");
  if (!mayStand(grant.in, place)) throw new Refusal("PROXY_TOKEN_MISPLACED", grantFacts(grant));
  useGrant(grant, context);
  return grant;
}

/**
 * Takes note that a secret goes out, wherever it stands or whatever it signs.
 *
 * @throws {Refusal} if it may not go to the destination.
 */
export function useGrant(grant: TokenGrant, { destination, used }: Pick<SwapContext, "destination" | "used">): void {
  const { hosts, minted } = grant;
  if (!isGranted(hosts, destination) || minted?.within.some((list) => !isGranted(list, destination))) {
    throw new Refusal("POLICY_SECRET_HOST_DENIED", grantFacts(grant));
  }
  if (!destination.trusted) throw new Refusal("PROXY_CLEAR_TEXT", grantFacts(grant));
  for (const name of minted?.roots ?? [grant.name]) used.add(name);
  minted?.onUsed();
}

function grantFacts({ name, minted }: TokenGrant): RefusalFacts {
  return minted === undefined ? { secret: name } : { secret: name, minted: minted.field };
}

/** Hands out a secret as text, for a place that has an encoding of its own. */
export function revealText<T>(grant: TokenGrant, use: (real: string) => T): T {
  return grant.real.reveal((bytes) => use(new TextDecoder().decode(bytes)));
}
