import { encodeLatin1 } from "./http/latin1.ts";
import type { Refusal } from "./refusal.ts";

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** A refusal as the contained program reads it: status and JSON. The connection ends with it. */
export function refusalResponse(
  refusal: Refusal,
  options: { head: boolean; keepAlive: boolean },
): Uint8Array<ArrayBuffer> {
  const body = refusal.body();
  const challenge = refusal.status === 407 ? 'Proxy-Authenticate: Basic realm="kz", charset="UTF-8"\r\n' : "";
  return encodeLatin1(
    `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status] ?? "Refused"}\r\n${challenge}` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nX-KeyZero-Error: ${refusal.code}\r\n` +
      `${options.keepAlive ? "" : "Connection: close\r\n"}\r\n${options.head ? "" : body}`,
  );
}
