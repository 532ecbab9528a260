import { decodeUri } from "./uri.ts";

/** One parameter of a query. */
export interface QueryParameter {
  /** As sent, its value included. */
  readonly text: string;
  /** Without escapes, one character for each byte. */
  readonly name: string;
  readonly value: string;
}

/** Takes the query of a target apart; empty parameters are left out, as they are by every signer. */
export function queryParameters(pathAndQuery: string): QueryParameter[] {
  const at = pathAndQuery.indexOf("?");
  if (at < 0) return [];
  return pathAndQuery.slice(at + 1).split("&").filter((text) => text !== "").map((text) => {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    return { text, name: decodeUri(name), value: equals < 0 ? "" : decodeUri(text.slice(equals + 1)) };
  });
}

/** Puts a target together. */
export function withQuery(pathAndQuery: string, parameters: readonly string[]): string {
  const path = pathAndQuery.split("?", 1)[0]!;
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}
