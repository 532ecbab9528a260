import { HttpError } from "../http/http_error.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { fieldLines, invalid, readSection } from "./field_lines.ts";

/** A request's head in the lines of HTTP/1.1, and how its body is to follow. */
export interface Http1Head {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly method: string;
  readonly body: "none" | "length" | "chunked";
}

/**
 * Writes the head of a stream in HTTP/1.1, in which all requests are parsed, decided and swapped. What that parser does
 * not take is refused by it; here only what could not be told apart any more.
 *
 * @param raw As Node gives it: name, value, name, value.
 * @param ended Whether no body follows.
 * @throws {HttpError}
 * @see RFC 9113 §8.3.1
 */
export function http1Head(raw: readonly string[], { ended }: { ended: boolean }): Http1Head {
  const { pseudo, fields } = readSection(raw);
  const method = pseudo.get("method");
  const path = pseudo.get("path");
  if (pseudo.size !== 3 + (pseudo.has("authority") ? 1 : 0) || pseudo.get("scheme") !== "https") throw invalid();
  if (method === undefined || path === undefined || !path.startsWith("/")) throw invalid();
  const hosts = fields.filter(([name]) => name === "host").map(([, value]) => value);
  const authority = pseudo.get("authority");
  if (authority !== undefined && hosts.some((host) => host !== authority)) {
    throw new HttpError("HTTP_HOST_MISMATCH", 421);
  }
  const host = authority ?? hosts[0];
  if (host === undefined) throw invalid();
  // One field, as HTTP/1.1 has it (§8.2.3).
  const cookies = fields.filter(([name]) => name === "cookie").map(([, value]) => value);
  const others = fields.filter(([name]) => name !== "host" && name !== "cookie" && name !== "te");
  const hasLength = others.some(([name]) => name === "content-length");
  const body = ended ? "none" : hasLength ? "length" : "chunked";
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${fieldLines(others)}` +
    (cookies.length > 0 ? `cookie: ${cookies.join("; ")}\r\n` : "") +
    (body === "chunked" ? "transfer-encoding: chunked\r\n" : "");
  return { bytes: encodeLatin1(`${text}\r\n`), method, body };
}
