import { Refusal } from "../refusal.ts";
import { requireGrant, revealText, type SwapContext } from "./grant.ts";

/**
 * Replaces each masked token in a path and in the values of a query by its secret value, percent-encoded.
 *
 * @param pathAndQuery As sent: begins with "/", visible ASCII. It holds a token.
 * @throws {Refusal} if a token stands where its secret may not.
 * @see RFC 3986 §3.3, §3.4
 */
export function swapTarget(pathAndQuery: string, context: SwapContext): string {
  const { tokens } = context;
  const at = pathAndQuery.indexOf("?");
  const path = at < 0 ? pathAndQuery : pathAndQuery.slice(0, at);
  const swapped = tokens.replace(
    path,
    (token) => revealText(requireGrant(token, { kind: "path" }, context), (real) => real.replace(NOT_PATH, percent)),
  );
  // A value must not change which path this is: neither climb nor stand for a segment of its own.
  if (swapped !== path && /(?:^|\/)\.{1,2}(?:\/|$)/.test(swapped)) throw new Refusal("PROXY_VALUE_UNSENDABLE");
  if (at < 0) return swapped;
  const query = pathAndQuery.slice(at + 1).split("&").map((parameter) => swapParameter(parameter, context)).join("&");
  return `${swapped}?${query}`;
}

/** What does not stand in a path segment as it is; "/" is escaped too. */
const NOT_PATH = /[^A-Za-z0-9\-._~!$'()*+,;=:@]/gu;

function swapParameter(parameter: string, context: SwapContext): string {
  const equals = parameter.indexOf("=");
  const value = parameter.slice(equals + 1);
  // A token in a name, or in a parameter without a value, has no place that "in" could name.
  if (equals < 0 || context.tokens.standIn(parameter.slice(0, equals))) return withoutToken(parameter, context);
  const name = decoded(parameter.slice(0, equals));
  const swapped = context.tokens.replace(value, (token) => {
    const grant = requireGrant(token, { kind: "query", name }, context);
    return revealText(grant, encodeURIComponent);
  });
  return `${parameter.slice(0, equals)}=${swapped}`;
}

function withoutToken(text: string, { tokens }: SwapContext): string {
  if (tokens.standIn(text)) throw new Refusal("PROXY_TOKEN_MISPLACED");
  return text;
}

/** A parameter's name as a form decoder reads it; one that cannot be read stays as it is and matches no name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

function percent(char: string): string {
  return Array.from(new TextEncoder().encode(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}
