import { createHash } from "node:crypto";
import aws4 from "aws4";

/** Real keys, as an endpoint knows them. */
export interface AwsRealKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** A request, and what an endpoint of AWS would say of it. */
export interface CheckedRequest {
  readonly method: string;
  /** As on the wire. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly service: string;
  readonly signedIn: "header" | "query";
  /** What is wrong; undefined if nothing is. */
  readonly fault: string | undefined;
}

const HEADER_REGEXP =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Checks the signature of a request by the package aws4, which shares nothing with the proxy. */
export function checkRequest(request: Request, body: string, keys: AwsRealKeys): CheckedRequest {
  const url = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const target = request.url.slice(url.origin.length);
  const seen = { method: request.method, target, headers, body };
  const authorization = headers["authorization"];
  return authorization === undefined
    ? { ...seen, ...checkQuery(seen, keys), signedIn: "query" }
    : { ...seen, ...checkHeader(seen, authorization, keys), signedIn: "header" };
}

type Seen = Pick<CheckedRequest, "method" | "target" | "headers" | "body">;
type Check = Pick<CheckedRequest, "service" | "fault">;

function checkHeader({ method, target, headers, body }: Seen, authorization: string, keys: AwsRealKeys): Check {
  const [, , , region = "", service = "", signedHeaders = ""] = HEADER_REGEXP.exec(authorization) ?? [];
  const named = signedHeaders.split(";").map((name) => [name, headers[name] ?? ""]);
  const signed = aws4.sign(
    {
      method,
      path: target,
      body,
      service,
      region,
      // The package takes the time from this one alone, where it may not add others.
      headers: { ...Object.fromEntries(named), date: httpDate(headers["x-amz-date"] ?? "") },
      doNotModifyHeaders: true,
      extraHeadersToIgnore: { date: true },
      // It leaves some headers out; a program may sign them.
      extraHeadersToInclude: Object.fromEntries(named.map(([name]) => [name, true])),
    },
    keys,
  );
  const hash = headers["x-amz-content-sha256"];
  const fault = signed.headers.Authorization !== authorization
    ? "SignatureDoesNotMatch"
    : hash !== undefined && /^[0-9a-f]{64}$/.test(hash) && hash !== sha256(body)
    ? "XAmzContentSHA256Mismatch"
    : (headers["x-amz-security-token"] ?? keys.sessionToken) !== keys.sessionToken
    ? "InvalidToken"
    : undefined;
  return { service, fault };
}

function checkQuery({ method, target, headers, body }: Seen, keys: AwsRealKeys): Check {
  const url = new URL(target, "https://host");
  const given = Object.fromEntries(url.searchParams);
  const [, , region = "", service = ""] = (given["X-Amz-Credential"] ?? "").split("/");
  const rest = new URLSearchParams(url.search);
  const own = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"];
  for (const name of own) rest.delete(name);
  const names = (given["X-Amz-SignedHeaders"] ?? "").split(";");
  const signed = aws4.sign(
    {
      method,
      path: `${url.pathname}?${rest}`,
      body: service === "s3" ? "" : body,
      service,
      region,
      signQuery: true,
      headers: Object.fromEntries(names.map((name) => [name, headers[name] ?? ""])),
    },
    given["X-Amz-Security-Token"] === undefined
      ? { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey }
      : keys,
  );
  const expected = Object.fromEntries(new URL(signed.path, "https://host").searchParams);
  const differs = Object.keys({ ...expected, ...given }).some((name) => expected[name] !== given[name]);
  return { service, fault: differs ? "SignatureDoesNotMatch" : undefined };
}

/** The data in a body of the coding `aws-chunked`. */
export function decodeAwsChunked(body: string): string {
  let data = "";
  let at = 0;
  for (;;) {
    const end = body.indexOf("\r\n", at);
    const size = parseInt(body.slice(at, end), 16);
    if (!(size > 0)) return data;
    data += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

function httpDate(timestamp: string): string {
  return timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\dZ)$/, "$1-$2-$3T$4:$5:$6");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
