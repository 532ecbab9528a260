import { sealedTokenRegExp } from "../../policy/sealed_token.ts";
import type { CredentialLocation } from "../../policy/server/credential_location.ts";
import { basicCredentials } from "../http/basic_credentials.ts";
import type { RequestHead } from "../http/request_head.ts";
import type { Target } from "../http/target.ts";

/** A text in a request's head that is a sealed token, or looks like one, with where it stands. */
export interface FoundToken {
  readonly text: string;
  readonly place: FoundPlace;
}

export type FoundPlace =
  /** All of a header's value, after a scheme and spaces if it has one; the name in lower case, the scheme as written. */
  | { readonly kind: "header"; readonly name: string; readonly scheme: string | undefined }
  /** All of the password of `Authorization`. */
  | { readonly kind: "basic"; readonly user: string }
  /** All of the value of a parameter, whose decoded name this is. */
  | { readonly kind: "query"; readonly name: string }
  /** Anywhere else in the head. */
  | { readonly kind: "elsewhere" };

const TOKEN_REGEXP = /^KZ_TOK_1[A-Za-z0-9_-]*$/;
/** A scheme is a token of RFC 9110 §11.1, as far as a `credential_location` may name it. */
const WHOLE_REGEXP = /^(?:([A-Za-z0-9._~+/-]+) +)?(KZ_TOK_1[A-Za-z0-9_-]*)$/;

/**
 * Finds the sealed tokens in a request's head: in its target, its headers, and its Basic credentials. Those that are
 * disguised in another way are not found here; what is sent is searched for them as well (TM-05).
 */
export function findTokens({ fields }: Pick<RequestHead, "fields">, { pathAndQuery }: Target): FoundToken[] {
  const found = inTarget(pathAndQuery);
  for (const { name, lower, value } of fields) {
    // It is read by the proxy itself, and goes no further.
    if (lower === "proxy-authorization") continue;
    found.push(...elsewhere(name), ...inValue(lower, value));
  }
  return found;
}

/** Whether a place is the one that a resource names, so that the token is all that stands there. */
export function isLocation(location: CredentialLocation, place: FoundPlace): boolean {
  switch (place.kind) {
    case "header":
      return location.kind === "header" && location.name.toLowerCase() === place.name &&
        location.scheme?.toLowerCase() === place.scheme?.toLowerCase();
    case "basic":
      return location.kind === "basic" && location.user === place.user;
    case "query":
      return location.kind === "query" && location.name === place.name;
    case "elsewhere":
      return false;
  }
}

function inValue(lower: string, value: string): FoundToken[] {
  const [, scheme, whole] = WHOLE_REGEXP.exec(value) ?? [];
  if (whole !== undefined) return [{ text: whole, place: { kind: "header", name: lower, scheme } }];
  const basic = lower === "authorization" ? basicCredentials(value) : undefined;
  if (basic === undefined) return elsewhere(value);
  const { user, password } = basic;
  if (!TOKEN_REGEXP.test(password)) return elsewhere(`${user}:${password}`);
  return [{ text: password, place: { kind: "basic", user } }, ...elsewhere(user)];
}

function inTarget(pathAndQuery: string): FoundToken[] {
  const at = pathAndQuery.indexOf("?");
  if (at < 0) return elsewhere(pathAndQuery);
  const found = elsewhere(pathAndQuery.slice(0, at));
  for (const parameter of pathAndQuery.slice(at + 1).split("&")) {
    const equals = parameter.indexOf("=");
    const value = parameter.slice(equals + 1);
    if (equals < 0 || !TOKEN_REGEXP.test(value)) found.push(...elsewhere(parameter));
    else {
      const name = parameter.slice(0, equals);
      found.push(...elsewhere(name), { text: value, place: { kind: "query", name: decoded(name) } });
    }
  }
  return found;
}

function elsewhere(text: string): FoundToken[] {
  return Array.from(text.matchAll(sealedTokenRegExp()), ([text]) => ({ text, place: { kind: "elsewhere" } }));
}

/** As a form decoder reads it; what cannot be read stays as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
