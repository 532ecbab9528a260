import { type Field, parseFields } from "./fields.ts";
import { HttpError } from "./http_error.ts";
import { headLines } from "./request_head.ts";

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: number;
  readonly fields: readonly Field[];
}

/** RFC 9112 §4. Many servers leave the space before an empty reason out. */
const STATUS_LINE_REGEXP = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/** @param bytes A head with its empty line, every line ended by CR LF. */
export function parseResponseHead(bytes: Uint8Array): ResponseHead {
  const lines = headLines(bytes);
  const match = STATUS_LINE_REGEXP.exec(lines[0]!);
  if (match === null) throw new HttpError("HTTP_RESPONSE_INVALID", 502);
  return {
    minorVersion: Number(match[1]),
    status: Number(match[2]),
    reason: match[3] ?? "",
    fields: parseFields(lines, 1),
  };
}
