import { HEADER_NAME_REGEXP } from "../../policy/placement.ts";
import type { Field } from "../http/fields.ts";
import { HttpError } from "../http/http_error.ts";

/** Fields of one connection only, which HTTP/2 does not have (RFC 9113 §8.2.2). */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** The header section of a message, taken apart. */
export interface HeaderSection {
  /** Names without their colon. */
  readonly pseudo: ReadonlyMap<string, string>;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads a header or trailer section as Node gives it: name, value, name, value.
 *
 * All that would be something else in the lines of HTTP/1.1 is refused (RFC 9113 §8.2.1, §10.3; TM-18), and so is what
 * speaks of a connection.
 *
 * @throws {HttpError}
 */
export function readSection(raw: readonly string[]): HeaderSection {
  const pseudo = new Map<string, string>();
  const fields: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    // deno-lint-ignore no-control-regex
    if (/[\0\r\n]|[^\x00-\xff]/.test(value)) throw invalid();
    if (!name.startsWith(":")) {
      if (!HEADER_NAME_REGEXP.test(name) || name !== name.toLowerCase()) throw invalid();
      if (CONNECTION_SPECIFIC.has(name) || (name === "te" && value.toLowerCase() !== "trailers")) throw invalid();
      fields.push([name, value]);
    } else if (fields.length > 0 || pseudo.has(name.slice(1))) throw invalid();
    else pseudo.set(name.slice(1), value);
  }
  return { pseudo, fields };
}

/** Lines of HTTP/1.1 for fields. */
export function fieldLines(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Parsed fields as Node takes them; those of a connection stay behind. */
export function outgoingFields(fields: readonly Field[]): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = Object.create(null);
  for (const { lower, value } of fields) {
    if (CONNECTION_SPECIFIC.has(lower)) continue;
    const before = out[lower];
    out[lower] = before === undefined ? value : [before, value].flat();
  }
  return out;
}

export function invalid(): HttpError {
  return new HttpError("HTTP_FIELD_INVALID", 400);
}
