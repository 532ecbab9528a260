import { Buffer } from "node:buffer";
import { Denial } from "../../../policy/server/denial.ts";
import { parseStrictJson } from "./strict_json.ts";

/** Proxies and servers take heads of 16 KiB; tokens with many groups come near 8. */
export const MAX_JWT_CHARACTERS = 16 * 1024;

/** Issuers use thumbprints, dates and UUIDs. */
const MAX_KID_CHARACTERS = 256;

/** Media types of tokens that say who calls (RFC 7519 §5.1, RFC 9068 §2.1), lower case, without `application/`. */
const TYPES: ReadonlySet<string> = new Set(["jwt", "at+jwt"]);

/** A JWT that was taken apart. Nothing of it is verified yet. */
export interface CompactJws {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Takes a compact JWS apart (RFC 7515 §7.1), before anything in it is believed.
 *
 * Each part has one spelling only. Keys that a header brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are not
 * looked at by anybody; `crit`, `b64` and nested tokens ask for what is not done here.
 *
 * @throws {Denial} `JWT_MALFORMED`; nothing of the token is in it.
 */
export function parseCompactJws(jwt: string): CompactJws {
  if (jwt.length > MAX_JWT_CHARACTERS) throw malformed("it is too long");
  const parts = jwt.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) throw malformed("three parts with dots between them are expected");
  const header = parseObject(head, "its header");
  for (const name of ["crit", "b64", "cty", "zip", "enc"]) {
    if (Object.hasOwn(header, name)) throw malformed(`its header asks for "${name}"`);
  }
  const { alg, kid, typ } = header;
  if (typeof alg !== "string" || alg === "") throw malformed("its header names no algorithm");
  const kidIsPlain = kid === undefined || (typeof kid === "string" && kid !== "" && kid.length <= MAX_KID_CHARACTERS);
  if (!kidIsPlain) throw malformed("its header has a kid that is not a short text");
  const typeIsKnown = typ === undefined ||
    (typeof typ === "string" && TYPES.has(typ.toLowerCase().replace(/^application\//, "")));
  if (!typeIsKnown) throw malformed("its header says that it is something else");
  const claims = parseObject(payload, "its payload");
  decodeBase64Url(signature, "its signature");
  return { algorithm: alg, kid: typeof kid === "string" ? kid : undefined, header, claims };
}

function parseObject(part: string, what: string): Readonly<Record<string, unknown>> {
  const bytes = decodeBase64Url(part, what);
  let value: unknown;
  try {
    value = parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw malformed(`${what} is not JSON with one meaning`);
  }
  if (!isObject(value)) throw malformed(`${what} is not a JSON object`);
  return value;
}

/** Whether it is an object of JSON: not null, not a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Decodes the one spelling that bytes have (RFC 7515 §2): no padding, no white space, no bits left over. */
function decodeBase64Url(part: string, what: string): Uint8Array {
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) throw malformed(`${what} is not plain base64url`);
  return bytes;
}

function malformed(detail: string): Denial {
  return new Denial("JWT_MALFORMED", { detail });
}
