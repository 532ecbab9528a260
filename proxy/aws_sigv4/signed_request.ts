import type { Field } from "../http/fields.ts";
import { Refusal } from "../refusal.ts";
import type { AwsKeys, AwsKeyTable } from "./aws_keys.ts";
import { ALGORITHM, type CredentialScope } from "./credential_scope.ts";
import { pathRule } from "./canonical_request.ts";
import { queryParameters, withQuery } from "./query.ts";

/** How the body of a signed request enters its signature. */
export type SignedPayload =
  /** By a hash or a word in `x-amz-content-sha256`. */
  | { readonly kind: "named"; readonly hash: string }
  /** By its own hash, which stands nowhere. */
  | { readonly kind: "body" }
  /** In chunks of the coding `aws-chunked`, each signed if `signed`. */
  | { readonly kind: "chunks"; readonly hash: string; readonly signed: boolean; readonly trailer: boolean };

/** A request that was signed with masked keys, taken apart. */
export interface SignedRequest {
  readonly keys: AwsKeys;
  readonly place: "header" | "query";
  readonly scope: CredentialScope;
  /** `YYYYMMDD'T'HHMMSS'Z'`. */
  readonly timestamp: string;
  /** Lower case, ascending, `host` among them. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly payload: SignedPayload;
  /** Whether the session token of the keys is in the request. */
  readonly withSession: boolean;
  /** The request without its signature and session token: whatever token is left is none of the signer's. */
  readonly fields: readonly Field[];
  readonly pathAndQuery: string;
}

/** A request as it was received. */
export interface ReceivedRequest {
  readonly pathAndQuery: string;
  readonly fields: readonly Field[];
}

/** What is known of a signature before it is looked at closely. */
interface Claim {
  readonly keys: AwsKeys;
  readonly algorithm: string;
  /** Credential, SignedHeaders, Signature, in the words of the place. */
  readonly credential: string;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly timestamp: string | undefined;
}

/**
 * Recognises a request that was signed with masked keys of the run (AWS Signature Version 4, in `Authorization` or in the
 * query).
 *
 * @returns Undefined for any other request, also for one that is signed with other keys.
 * @throws {Refusal} `PROXY_AWS_SIGNATURE_MALFORMED` or `PROXY_AWS_SCHEME_UNSUPPORTED`, which name the secret.
 */
export function findSignedRequest(request: ReceivedRequest, table: AwsKeyTable): SignedRequest | undefined {
  if (table.size === 0) return undefined;
  const inHeader = headerClaim(request.fields, table);
  const inQuery = queryClaim(request.pathAndQuery, table);
  const claim = inHeader ?? inQuery;
  if (claim === undefined) return undefined;
  const { keys } = claim;
  const place = inHeader === undefined ? "query" : "header";
  assertAlone(request, place, keys);
  if (claim.algorithm !== ALGORITHM) {
    throw new Refusal("PROXY_AWS_SCHEME_UNSUPPORTED", { secret: keys.name, detail: "only AWS4-HMAC-SHA256 is signed" });
  }
  const { scope, timestamp, signedHeaders, signature } = readClaim(claim);
  const withSession = place === "header"
    ? request.fields.some((field) => isSession(field, keys))
    : queryParameters(request.pathAndQuery).some((parameter) => isSessionParameter(parameter, keys));
  return {
    keys,
    place,
    scope,
    timestamp,
    signedHeaders,
    signature,
    payload: payloadOf(request, { place, keys, scope }),
    withSession,
    fields: place === "query"
      ? request.fields
      : request.fields.filter((field) => field.lower !== "authorization" && !isSession(field, keys)),
    pathAndQuery: place === "header" ? request.pathAndQuery : withQuery(
      request.pathAndQuery,
      queryParameters(request.pathAndQuery)
        .filter((parameter) => !OWN_PARAMETERS.has(parameter.name) && !isSessionParameter(parameter, keys))
        .map(({ text }) => text),
    ),
  };
}

/** What is written anew in a query. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set(["X-Amz-Credential", "X-Amz-Signature"]);

/** Fields and parameters that are read here; a second one would be read by somebody else. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "x-amz-date",
  "x-amz-content-sha256",
  "x-amz-security-token",
]);

function headerClaim(fields: readonly Field[], table: AwsKeyTable): Claim | undefined {
  for (const { lower, value } of fields) {
    const [, algorithm, list] = lower === "authorization" ? /^(AWS4-[A-Z0-9-]+)[ ]+(.*)$/.exec(value) ?? [] : [];
    if (algorithm === undefined || list === undefined) continue;
    const parts = new Map<string, string>();
    let repeated = false;
    for (const part of list.split(",")) {
      const [, name, text] = /^[ ]*([A-Za-z]+)=([^ ]*)[ ]*$/.exec(part) ?? [];
      repeated ||= name === undefined || parts.has(name);
      if (name !== undefined && text !== undefined) parts.set(name, text);
    }
    const credential = parts.get("Credential");
    const keys = credential === undefined ? undefined : table.get(credential.split("/", 1)[0]!);
    if (credential === undefined || keys === undefined) continue;
    if (repeated || parts.size !== 3) throw malformed(keys);
    return {
      keys,
      algorithm,
      credential,
      signedHeaders: parts.get("SignedHeaders"),
      signature: parts.get("Signature"),
      timestamp: fields.find((field) => field.lower === "x-amz-date")?.value,
    };
  }
  return undefined;
}

function queryClaim(pathAndQuery: string, table: AwsKeyTable): Claim | undefined {
  if (!pathAndQuery.includes("?")) return undefined;
  const parameters = queryParameters(pathAndQuery);
  const value = (name: string) => parameters.find((parameter) => parameter.name === name)?.value;
  for (const { name, value: credential } of parameters) {
    const keys = name === "X-Amz-Credential" ? table.get(credential.split("/", 1)[0]!) : undefined;
    if (keys === undefined) continue;
    return {
      keys,
      algorithm: value("X-Amz-Algorithm") ?? "",
      credential,
      signedHeaders: value("X-Amz-SignedHeaders"),
      signature: value("X-Amz-Signature"),
      timestamp: value("X-Amz-Date"),
    };
  }
  return undefined;
}

/** One signature, in one place, and each of its parts once: two readers of the request must not see two requests. */
function assertAlone({ fields, pathAndQuery }: ReceivedRequest, place: "header" | "query", keys: AwsKeys): void {
  const names = fields.map(({ lower }) => lower).filter((lower) => READ_FIELDS.has(lower));
  const parameters = queryParameters(pathAndQuery).map(({ name }) => name.toLowerCase())
    .filter((name) => name.startsWith("x-amz-"));
  const inBoth = place === "header"
    ? ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].some((name) => parameters.includes(name))
    : names.includes("authorization");
  if (inBoth || new Set(names).size !== names.length || new Set(parameters).size !== parameters.length) {
    throw malformed(keys);
  }
}

const CREDENTIAL_REGEXP = /^[^/]+\/(\d{8})\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9._-]{1,64})\/aws4_request$/;

function readClaim(
  { keys, credential, signature, timestamp = "", signedHeaders = "" }: Claim,
): Pick<SignedRequest, "scope" | "timestamp" | "signedHeaders" | "signature"> {
  const [, date, region, service] = CREDENTIAL_REGEXP.exec(credential) ?? [];
  const names = signedHeaders.split(";");
  const valid = date !== undefined && region !== undefined && service !== undefined &&
    /^\d{8}T\d{6}Z$/.test(timestamp) && timestamp.startsWith(date) &&
    signature !== undefined && /^[0-9a-f]{64}$/.test(signature) &&
    names.every((name, at) => /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) && (at === 0 || names[at - 1]! < name)) &&
    // Without the host a signature would be good for every host of the service.
    names.includes("host");
  if (!valid) throw malformed(keys);
  return { scope: { date, region, service }, timestamp, signedHeaders: names, signature };
}

function payloadOf(
  { fields, pathAndQuery }: ReceivedRequest,
  { place, keys, scope }: Pick<SignedRequest, "place" | "keys" | "scope">,
): SignedPayload {
  const hash = fields.find(({ lower }) => lower === "x-amz-content-sha256")?.value ??
    queryParameters(pathAndQuery).find(({ name }) => name === "X-Amz-Content-Sha256")?.value;
  if (hash === undefined) {
    // A presigned URL of an object says nothing of what will be sent to it.
    const unsigned = place === "query" && !pathRule(scope.service).encodeTwice;
    return unsigned ? { kind: "named", hash: "UNSIGNED-PAYLOAD" } : { kind: "body" };
  }
  if (hash === "UNSIGNED-PAYLOAD" || /^[0-9a-f]{64}$/.test(hash)) return { kind: "named", hash };
  const chunks = CHUNKS.get(hash);
  if (chunks === undefined) {
    throw new Refusal("PROXY_AWS_SCHEME_UNSUPPORTED", {
      secret: keys.name,
      detail: "its payload is signed as a stream",
    });
  }
  return { kind: "chunks", hash, ...chunks };
}

const CHUNKS: ReadonlyMap<string, { readonly signed: boolean; readonly trailer: boolean }> = new Map([
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { signed: false, trailer: true }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { signed: true, trailer: false }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { signed: true, trailer: true }],
]);

function isSession(field: Field, { sessionToken }: AwsKeys): boolean {
  return field.lower === "x-amz-security-token" && field.value === sessionToken;
}

function isSessionParameter(parameter: { name: string; value: string }, { sessionToken }: AwsKeys): boolean {
  return parameter.name === "X-Amz-Security-Token" && parameter.value === sessionToken;
}

function malformed(keys: AwsKeys): Refusal {
  return new Refusal("PROXY_AWS_SIGNATURE_MALFORMED", { secret: keys.name });
}
