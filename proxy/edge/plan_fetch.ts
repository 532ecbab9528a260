import { HEADER_NAME_REGEXP } from "../../policy/placement.ts";
import { isOverrideHeader } from "../../policy/override_header.ts";
import { TOKEN_PREFIX } from "../../policy/masked_token.ts";
import { PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import type { Resource } from "../../policy/server/bundle.ts";
import type { CredentialLocation } from "../../policy/server/credential_location.ts";
import { Denial } from "../../policy/server/denial.ts";
import type { FetchUrl } from "../../policy/server/fetch_url.ts";
import { looksAtRequests, mayAccess, namesHost } from "../../policy/server/resource_access.ts";
import { REFUSED_METHODS } from "../exchange/request_plan.ts";
import { type Field, foldedName, isStructural } from "../http/fields.ts";
import { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { refuseDisguised, refuseDisguisedBytes } from "../swap/disguise.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import type { FetchCommand } from "./protocol.ts";

/** A request of a caller that may be sent, before its credential is put in. */
export interface PlannedFetch {
  readonly url: FetchUrl;
  /** Upper case. */
  readonly method: string;
  readonly fields: readonly Field[];
  readonly body: Uint8Array | undefined;
  /** The bundle names the host, so that its address may be private. */
  readonly named: boolean;
}

/** What a caller says of a request, besides its URL. */
export type CallerRequest = Pick<FetchCommand, "method" | "headers" | "body">;

/** As in rules: a word, in upper case. */
const METHOD_REGEXP = /^[A-Z][A-Z-]{0,31}$/;

/** Whether a method is one that `fetch` carries: neither an echo of the request nor a tunnel (TM-21). */
export function isFetchMethod(method: string): boolean {
  return METHOD_REGEXP.test(method) && !REFUSED_METHODS.has(method);
}

/**
 * Checks a caller's request against the resource and against what the edge writes itself.
 *
 * @throws {Denial} `TARGET_DENIED`, `HEADER_COLLIDES`, `BODY_TOO_LARGE` or `REQUEST_INVALID`; nothing of the request is in it.
 */
export function planFetch(url: FetchUrl, request: CallerRequest, resource: Resource): PlannedFetch {
  const { method, headers, body } = request;
  if (!isFetchMethod(method)) throw invalid("the method is not one that is carried: write for example GET or POST");
  const target = { ...url, method };
  if (!mayAccess(resource, target)) throw new Denial("TARGET_DENIED");
  if (body !== undefined && body.length > EDGE_LIMITS.requestBodyBytes) {
    throw new Denial("BODY_TOO_LARGE", { detail: `at most ${EDGE_LIMITS.requestBodyBytes} bytes are carried` });
  }
  const fields = readFields(headers);
  for (const { lower } of fields) refuseField(lower, resource);
  if (resource.location.kind === "query") refuseParameter(url.pathAndQuery, resource.location.name);
  return { url, method, fields: withDefaults(fields, resource.location), body, named: namesHost(resource, target) };
}

/** RFC 9110 §5.5, without the bytes above ASCII, which everybody reads in a way of their own. */
const VALUE_REGEXP = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;

function readFields(headers: CallerRequest["headers"]): Field[] {
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (headers.length > EDGE_LIMITS.requestHeaders || size > EDGE_LIMITS.requestHeaderBytes) {
    throw invalid(
      `at most ${EDGE_LIMITS.requestHeaders} headers of ${EDGE_LIMITS.requestHeaderBytes} bytes are carried`,
    );
  }
  return headers.map(([name, value]) => {
    if (!HEADER_NAME_REGEXP.test(name) || !VALUE_REGEXP.test(value)) {
      throw invalid("a header has a name of letters, digits and hyphens, and a value of visible ASCII");
    }
    return { name, lower: name.toLowerCase(), value };
  });
}

/** Credentials of the caller: a host that believes them would act for another than the resource's owner. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie", "cookie2"]);
/** Fields, besides those that frame and route, which the edge decides on. */
const OWN: ReadonlySet<string> = new Set(["accept-encoding", "expect", "http2-settings"]);
/** Ask for pieces of a body: a value that is echoed in two of them would be found in neither (TM-03). */
const PARTIAL: ReadonlySet<string> = new Set(["range", "if-range"]);

/** Every name is looked at in all its spellings (TM-20). */
function refuseField(lower: string, resource: Resource): void {
  const name = foldedName(lower);
  if (isStructural(lower) || OWN.has(name) || name.startsWith("proxy-")) {
    throw new Denial("HEADER_COLLIDES", {
      detail: "leave out Host, lengths, encodings, Expect and all fields of the connection: they are written for you",
    });
  }
  if (CREDENTIALS.has(name) || name === credentialField(resource.location)) {
    throw new Denial("HEADER_COLLIDES", {
      detail:
        "leave out Authorization, Cookie and the header of the credential: the resource's credential is put in for you",
    });
  }
  if (PARTIAL.has(name)) throw invalid("leave out Range: a part of a response cannot be searched for secret values");
  if (name === "content-encoding") throw invalid("leave out Content-Encoding: an encoded body cannot be searched");
  if (isOverrideHeader(name) && looksAtRequests(resource)) {
    throw new Denial("TARGET_DENIED", { detail: "a header asks for another method or path" });
  }
}

function credentialField(location: CredentialLocation): string | undefined {
  return location.kind === "header" ? foldedName(location.name.toLowerCase()) : undefined;
}

/** @throws {Denial} if a parameter may be read as the one that holds the credential. */
function refuseParameter(pathAndQuery: string, name: string): void {
  const at = pathAndQuery.indexOf("?");
  if (at < 0) return;
  const taken = readName(name);
  // Some readers part at semicolons as well.
  for (const parameter of pathAndQuery.slice(at + 1).split(/[&;]/)) {
    if (readName(decodePercent(parameter.split("=", 1)[0]!)) === taken) {
      throw new Denial("HEADER_COLLIDES", {
        detail: "leave out the query parameter of the credential: it is put in for you",
      });
    }
  }
}

/** A parameter's name as the most lenient reader takes it: in any case, `a[]` and `a[b]` for `a`, "." and " " for "_". */
function readName(name: string): string {
  return foldedName(name.trim().toLowerCase().split("[", 1)[0]!);
}

/** Only ASCII matters here: what is beyond is in no name. */
function decodePercent(text: string): string {
  return text.replaceAll("+", " ").replace(
    /%([0-9a-f]{2})/gi,
    (_, digits) => String.fromCharCode(parseInt(digits, 16)),
  );
}

/** Some hosts refuse a request without these. */
const DEFAULTS: readonly Field[] = [
  { name: "Accept", lower: "accept", value: "*/*" },
  { name: "User-Agent", lower: "user-agent", value: "keyzero" },
];

function withDefaults(fields: readonly Field[], location: CredentialLocation): Field[] {
  const given = new Set([credentialField(location), ...fields.map(({ lower }) => foldedName(lower))]);
  return [...fields, ...DEFAULTS.filter(({ lower }) => !given.has(lower))];
}

/** What all tokens and stand-ins begin with. */
const TOKENS = new ScrubPlan([TOKEN_PREFIX, SEALED_PREFIX, PASS_PREFIX].map((text) => ({ text, standIn: text })));

/**
 * Refuses a caller's request that holds a value, learnt elsewhere (TM-17), or a token, in any encoding.
 *
 * @param values Finds every value that is held.
 * @throws {Denial} `REQUEST_INVALID`
 */
export function refuseHeld({ url, fields, body }: PlannedFetch, values: ScrubPlan): void {
  const searched = (encoded: ScrubPlan, detail: string) => {
    try {
      refuseDisguised(url.href, { encoded });
      for (const { name, value } of fields) refuseDisguised(`${name}: ${value}`, { encoded });
      if (body !== undefined) refuseDisguisedBytes(body, { encoded });
    } catch (error) {
      throw error instanceof Refusal ? invalid(detail) : error;
    }
  };
  searched(
    TOKENS,
    "leave out masked tokens: only the resource's own credential is put in, and nothing else is replaced",
  );
  searched(values, "the request holds a secret value itself: name the resource instead");
}

function invalid(detail: string): Denial {
  return new Denial("REQUEST_INVALID", { detail });
}
