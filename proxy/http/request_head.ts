import { type Field, parseFields } from "./fields.ts";
import { HttpError } from "./http_error.ts";
import { decodeLatin1 } from "./latin1.ts";

export interface RequestHead {
  readonly method: string;
  /** As sent: visible ASCII. */
  readonly target: string;
  readonly minorVersion: number;
  readonly fields: readonly Field[];
}

/** RFC 9112 §3: one space between the parts; the method a token in upper case, the target visible ASCII. */
const REQUEST_LINE_REGEXP = /^([A-Z][A-Z0-9!#$%&'*+\-.^_`|~]{0,31}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/;

/** @param bytes A head with its empty line, every line ended by CR LF. */
export function parseRequestHead(bytes: Uint8Array): RequestHead {
  const lines = headLines(bytes);
  const match = REQUEST_LINE_REGEXP.exec(lines[0]!);
  if (match === null) throw new HttpError("HTTP_START_LINE_INVALID", 400);
  const [, method, target, major, minor] = match;
  if (major !== "1" || (minor !== "0" && minor !== "1")) throw new HttpError("HTTP_VERSION_UNSUPPORTED", 505);
  return { method: method!, target: target!, minorVersion: Number(minor), fields: parseFields(lines, 1) };
}

/** The lines of a head, without the empty one; the first is its start line. */
export function headLines(bytes: Uint8Array): string[] {
  return decodeLatin1(bytes.subarray(0, bytes.length - 4)).split("\r\n");
}
