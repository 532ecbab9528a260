import type { Field } from "../http/fields.ts";
import { queryParameters } from "./query.ts";
import { decodeUri, encodeUri, encodeUriPath } from "./uri.ts";

/** What a signature is made over. Texts hold one character for each byte. */
export interface SignedMessage {
  readonly method: string;
  /** As on the wire. */
  readonly pathAndQuery: string;
  readonly fields: readonly Field[];
  /** SHA-256 of the body in hexadecimal, or the word that stands for it. */
  readonly payloadHash: string;
}

/** How a path becomes canonical. */
export interface PathRule {
  /** The path on the wire is escaped once more. */
  readonly encodeTwice: boolean;
  /** Dot segments and empty ones are resolved (RFC 3986 §5.2.4). */
  readonly normalize: boolean;
}

/** Services whose keys are paths: "a//b" and "a/../b" are names of objects, and a path is escaped once. */
const OBJECT_SERVICES: ReadonlySet<string> = new Set(["s3", "s3express", "s3-object-lambda", "s3-outposts"]);

/** The rule of a service, by its name in the credential scope. */
export function pathRule(service: string): PathRule {
  const isPlain = OBJECT_SERVICES.has(service);
  return { encodeTwice: !isPlain, normalize: !isPlain };
}

/**
 * Writes a request in the form that is signed.
 *
 * A signature in the query is left out of it. A field that stands more than once is joined by commas; one that is named and
 * does not stand in the message is empty.
 *
 * @param signedHeaders Lower case, in ascending order.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function canonicalRequest(message: SignedMessage, signedHeaders: readonly string[], rule: PathRule): string {
  const headers = signedHeaders.map((name) => {
    const values = message.fields.filter(({ lower }) => lower === name).map(({ value }) => value);
    return `${name}:${values.map(plainSpaces).join(",")}\n`;
  });
  return [
    message.method,
    canonicalPath(message.pathAndQuery.split("?", 1)[0]!, rule),
    canonicalQuery(message.pathAndQuery),
    headers.join(""),
    signedHeaders.join(";"),
    message.payloadHash,
  ].join("\n");
}

/** White space of HTTP only: other bytes that are white space as characters may be parts of one (RFC 9110 §5.6.3). */
function plainSpaces(value: string): string {
  return value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "");
}

function canonicalPath(path: string, { encodeTwice, normalize }: PathRule): string {
  const whole = normalize ? normalizedPath(path) : path;
  return encodeUriPath(encodeTwice ? whole : decodeUri(whole));
}

function normalizedPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return kept.length === 0 ? "/" : `/${kept.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

function canonicalQuery(pathAndQuery: string): string {
  return queryParameters(pathAndQuery)
    .filter(({ name }) => name !== "X-Amz-Signature")
    .map(({ name, value }) => [encodeUri(name), encodeUri(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** By code unit, which is by byte here; never by locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
