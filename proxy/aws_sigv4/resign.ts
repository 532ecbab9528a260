import { timingSafeEqual } from "node:crypto";
import type { Field } from "../http/fields.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { Refusal } from "../refusal.ts";
import type { TokenGrant } from "../token_table.ts";
import { canonicalRequest, pathRule, type SignedMessage } from "./canonical_request.ts";
import { ALGORITHM, scopeText } from "./credential_scope.ts";
import type { AwsCredentials } from "./credentials.ts";
import { withQuery } from "./query.ts";
import type { SignedRequest } from "./signed_request.ts";
import { SigningKey, stringToSign } from "./signing_key.ts";
import { encodeUri } from "./uri.ts";

/** A request before and after the proxy's changes. */
export interface ResignInput {
  /** What the contained program signed: its fields as it sent them, connection fields included. */
  readonly received: SignedMessage;
  /** What goes out, without the signature: its fields with those that the proxy writes. */
  readonly outgoing: SignedMessage;
}

/** What carries the new signature. */
export interface Resigned {
  /** To be added to the outgoing fields. */
  readonly fields: readonly Field[];
  /** In place of the outgoing one. */
  readonly pathAndQuery: string;
  /** In lower-case hexadecimal. */
  readonly signature: string;
}

/**
 * Checks that a request was signed with the masked secret key, and signs what goes out with the real one.
 *
 * Only who holds the masked secret key can have a request signed: the key id alone, or another secret key, do not suffice.
 * Headers that the program signed and that do not go out are no longer among the signed ones.
 *
 * @throws {Refusal} `PROXY_AWS_SIGNATURE_INVALID`, which names the secret.
 */
export function resign(
  signed: SignedRequest,
  { received, outgoing }: ResignInput,
  { keyId, secretKey, sessionToken }: AwsCredentials,
): Resigned {
  const { scope, timestamp, keys, place } = signed;
  const rule = pathRule(scope.service);
  const canonical = canonicalRequest(received, signed.signedHeaders, rule);
  using maskedKey = new SigningKey(encodeLatin1(keys.secretKey), scope);
  if (!sameText(maskedKey.sign(stringToSign(timestamp, scope, canonical)), signed.signature)) {
    throw new Refusal("PROXY_AWS_SIGNATURE_INVALID", { secret: keys.name });
  }
  using realKey = new SigningKey(secretKey.real, scope);
  const credential = `${plainText(keyId, KEY_ID_REGEXP)}/${scopeText(scope)}`;
  const session = sessionToken === undefined ? undefined : plainText(sessionToken, SESSION_REGEXP);
  if (place === "query") {
    const target = addParameters(outgoing.pathAndQuery, [
      ["X-Amz-Credential", credential],
      ...(session === undefined ? [] : [["X-Amz-Security-Token", session] as const]),
    ]);
    const text = canonicalRequest({ ...outgoing, pathAndQuery: target }, signed.signedHeaders, rule);
    const signature = realKey.sign(stringToSign(timestamp, scope, text));
    return { fields: [], pathAndQuery: addParameters(target, [["X-Amz-Signature", signature]]), signature };
  }
  const added = session === undefined ? [] : [field("X-Amz-Security-Token", session)];
  const fields = [...outgoing.fields, ...added];
  const names = signed.signedHeaders.filter((name) => fields.some(({ lower }) => lower === name));
  const signature = realKey.sign(
    stringToSign(timestamp, scope, canonicalRequest({ ...outgoing, fields }, names, rule)),
  );
  const authorization = field(
    "Authorization",
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  );
  return { fields: [...added, authorization], pathAndQuery: outgoing.pathAndQuery, signature };
}

/** Visible ASCII without what cuts a credential into its parts. */
const KEY_ID_REGEXP = /^[\x21-\x2b\x2d\x2e\x30-\x7e]+$/;
const SESSION_REGEXP = /^[\x21-\x7e]+$/;

function plainText(grant: TokenGrant, allowed: RegExp): string {
  return grant.real.reveal((bytes) => {
    const text = decodeLatin1(bytes);
    if (!allowed.test(text)) throw new Refusal("PROXY_VALUE_UNSENDABLE", { secret: grant.name });
    return text;
  });
}

function addParameters(pathAndQuery: string, added: readonly (readonly [name: string, value: string])[]): string {
  const at = pathAndQuery.indexOf("?");
  const present = at < 0 ? [] : [pathAndQuery.slice(at + 1)];
  return withQuery(pathAndQuery, [...present, ...added.map(([name, value]) => `${name}=${encodeUri(value)}`)]);
}

function field(name: string, value: string): Field {
  return { name, lower: name.toLowerCase(), value };
}

/** In constant time, since a program that does not hold the masked secret key may try. */
function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(encodeLatin1(a), encodeLatin1(b));
}
