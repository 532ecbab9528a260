import { mayStand, type Place } from "../../policy/placement.ts";
import { Refusal } from "../refusal.ts";
import { type SwapContext, useGrant } from "../swap/grant.ts";
import type { TokenGrant } from "../token_table.ts";
import type { SignedRequest } from "./signed_request.ts";

/** What a request is signed with anew. */
export interface AwsCredentials {
  readonly keyId: TokenGrant;
  readonly secretKey: TokenGrant;
  /** Present where the request holds its token. */
  readonly sessionToken: TokenGrant | undefined;
}

/**
 * What the masked keys of a signed request stand for, if each of them may go to the destination.
 *
 * The secret key itself goes nowhere, but what is signed with it does: its `hosts` bind as those of the key id do.
 *
 * @throws {Refusal} which names the secret to the operator.
 */
export function requireCredentials(signed: SignedRequest, context: SwapContext): AwsCredentials {
  const { keys, place, withSession } = signed;
  const where: Place = place === "header"
    ? { kind: "header", name: "authorization" }
    : { kind: "query", name: "X-Amz-Credential" };
  if (keys.places !== undefined && !mayStand(keys.places, where)) {
    throw new Refusal("PROXY_TOKEN_MISPLACED", { secret: keys.name });
  }
  return {
    keyId: granted(keys.keyId, context),
    secretKey: granted(keys.secretKey, context),
    sessionToken: withSession && keys.sessionToken !== undefined ? granted(keys.sessionToken, context) : undefined,
  };
}

function granted(token: string, context: SwapContext): TokenGrant {
  const grant = context.tokens.get(token);
  if (grant === undefined) throw new Refusal("PROXY_TOKEN_UNKNOWN");
  useGrant(grant, context);
  return grant;
}
