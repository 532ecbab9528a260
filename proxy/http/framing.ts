import { type Field, listed, single } from "./fields.ts";
import { HttpError } from "./http_error.ts";

/** How the end of a body is known (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** A response that ends with its connection. */
  | { readonly kind: "close" };

/** Digits only, no sign, no leading zero; fifteen digits stay exact in a double. */
const LENGTH_REGEXP = /^(?:0|[1-9]\d{0,14})$/;

/** @returns The framing that the fields announce; undefined if they announce none. */
function announced(fields: readonly Field[], minorVersion: number): Framing | undefined {
  const length = single(fields, "content-length");
  const coding = single(fields, "transfer-encoding");
  if (coding !== undefined) {
    // Both, or a coding we do not undo, is how requests are smuggled (RFC 9112 §6.1, TM-18).
    if (length !== undefined || minorVersion === 0 || coding.toLowerCase() !== "chunked") {
      throw new HttpError("HTTP_FRAMING_INVALID", 400);
    }
    return { kind: "chunked" };
  }
  if (length === undefined) return undefined;
  if (!LENGTH_REGEXP.test(length)) throw new HttpError("HTTP_FRAMING_INVALID", 400);
  return { kind: "length", bytes: Number(length) };
}

export function requestFraming(fields: readonly Field[], minorVersion: number): Framing {
  const framing = announced(fields, minorVersion) ?? { kind: "none" };
  return framing.kind === "length" && framing.bytes === 0 ? { kind: "none" } : framing;
}

export function responseFraming(
  fields: readonly Field[],
  response: { status: number; minorVersion: number; method: string },
): Framing {
  const framing = announced(fields, response.minorVersion);
  const { status, method } = response;
  const bodiless = status < 200 || status === 204;
  // A server must not announce a body here (RFC 9112 §6.1, RFC 9110 §8.6); some readers would wait for it. A length on a
  // 204 is common, and read alike by all.
  const claimed = framing?.kind === "chunked" || (status < 200 && framing?.kind === "length" && framing.bytes > 0);
  if (bodiless && claimed) throw new HttpError("HTTP_FRAMING_INVALID", 502);
  if (method === "HEAD" || bodiless || status === 304) return { kind: "none" };
  return framing ?? { kind: "close" };
}

/** Whether the sender of these fields keeps the connection open (RFC 9112 §9.3). */
export function keepsAlive(fields: readonly Field[], minorVersion: number): boolean {
  const [options, proxyOptions] = [listed(fields, "connection"), listed(fields, "proxy-connection")];
  if (options.includes("close") || proxyOptions.includes("close")) return false;
  return minorVersion === 1 || options.includes("keep-alive") || proxyOptions.includes("keep-alive");
}
