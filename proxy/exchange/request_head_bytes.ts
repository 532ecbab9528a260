import { encodeLatin1 } from "../http/latin1.ts";
import type { Field } from "../http/fields.ts";
import type { Framing } from "../http/framing.ts";
import type { Origin } from "./request_plan.ts";

/** A head as it goes out, without the fields that the proxy writes itself. */
export interface OutgoingHead {
  readonly method: string;
  readonly pathAndQuery: string;
  readonly fields: readonly Field[];
  /** Of its body. */
  readonly framing: Framing;
}

/** Writes the head that goes to the host. It is built from the parsed form, never copied (TM-18). */
export function requestHeadBytes(
  { method, pathAndQuery, fields, framing }: OutgoingHead,
  origin: Origin,
): Uint8Array<ArrayBuffer> {
  const own = ownFields({ method, framing }, origin);
  let text = `${method} ${pathAndQuery} HTTP/1.1\r\n${fieldLine(own[0])}`;
  for (const field of fields) text += fieldLine(field);
  for (let at = 1; at < own.length; at++) text += fieldLine(own[at]!);
  return encodeLatin1(`${text}\r\n`);
}

function fieldLine({ name, value }: Field): string {
  return `${name}: ${value}\r\n`;
}

/** The fields that the proxy writes itself, `Host` first. */
export function ownFields(
  { method, framing }: Pick<OutgoingHead, "method" | "framing">,
  origin: Origin,
): readonly [Field, ...Field[]] {
  const port = origin.port === (origin.secure ? 443 : 80) ? "" : `:${origin.port}`;
  return [
    { name: "Host", lower: "host", value: `${origin.host}${port}` },
    // Only what can be searched is asked for (TM-02).
    { name: "Accept-Encoding", lower: "accept-encoding", value: "identity" },
    ...framingFields(framing, method),
  ];
}

/** Methods whose requests always say how long they are (RFC 9110 §8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

function framingFields(framing: Framing, method: string): readonly Field[] {
  const length = (bytes: number) => ({ name: "Content-Length", lower: "content-length", value: String(bytes) });
  switch (framing.kind) {
    case "chunked":
      return [{ name: "Transfer-Encoding", lower: "transfer-encoding", value: "chunked" }];
    case "length":
      return [length(framing.bytes)];
    default:
      return WITH_BODY.has(method) ? [length(0)] : [];
  }
}
