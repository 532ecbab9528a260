import { encodeLatin1 } from "../http/latin1.ts";
import type { Field } from "../http/fields.ts";
import type { Framing } from "../http/framing.ts";
import type { Origin } from "./request_plan.ts";

/** What a head begins with, and how its body is framed. */
export interface StartLine {
  readonly method: string;
  readonly pathAndQuery: string;
  readonly framing: Framing;
}

/** Writes the head that goes to the host. It is built from the parsed form, never copied (TM-18). */
export function requestHeadBytes(
  { method, pathAndQuery, framing }: StartLine,
  fields: readonly Field[],
  origin: Origin,
): Uint8Array<ArrayBuffer> {
  const port = origin.port === (origin.secure ? 443 : 80) ? "" : `:${origin.port}`;
  let text = `${method} ${pathAndQuery} HTTP/1.1\r\nHost: ${origin.host}${port}\r\n`;
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  // Only what can be searched is asked for (TM-02).
  text += `Accept-Encoding: identity\r\n${framingLine(framing, method)}\r\n`;
  return encodeLatin1(text);
}

/** Methods whose requests always say how long they are (RFC 9110 §8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

function framingLine(framing: Framing, method: string): string {
  switch (framing.kind) {
    case "chunked":
      return "Transfer-Encoding: chunked\r\n";
    case "length":
      return `Content-Length: ${framing.bytes}\r\n`;
    default:
      return WITH_BODY.has(method) ? "Content-Length: 0\r\n" : "";
  }
}
