import { HEADER_NAME_REGEXP } from "../../policy/placement.ts";
import { LIMITS } from "../limits.ts";
import { HttpError } from "./http_error.ts";

/** One header field. `name` as sent, `lower` for comparison; `value` without white space at its ends. */
export interface Field {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

/** HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5): no other control character, so no CR, LF or NUL. */
const VALUE_REGEXP = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Reads the field lines of a head or a trailer section.
 *
 * Obsolete line folding, white space before the colon and invalid names are refused (RFC 9112 §5.1, §5.2).
 *
 * @param lines Without their CR LF.
 * @param from The first line that is a field's.
 */
export function parseFields(lines: readonly string[], from = 0): Field[] {
  if (lines.length - from > LIMITS.headFields) throw new HttpError("HTTP_HEAD_TOO_LARGE", 431);
  const fields: Field[] = [];
  for (let at = from; at < lines.length; at++) fields.push(parseField(lines[at]!));
  return fields;
}

function parseField(line: string): Field {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  const value = withoutOuterSpace(line.slice(colon + 1));
  const lower = name.toLowerCase();
  if (!HEADER_NAME_REGEXP.test(name) || !VALUE_REGEXP.test(value) || isDisguised(lower)) {
    throw new HttpError("HTTP_FIELD_INVALID", 400);
  }
  return { name, lower, value };
}

/** Without spaces and tabs at its ends. In steps, since an expression takes a second for 60 KiB of inner spaces. */
function withoutOuterSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpaceOrTab(text.charCodeAt(start))) start++;
  while (end > start && isSpaceOrTab(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpaceOrTab(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The value of a field that may stand once; undefined if it does not. */
export function single(fields: readonly Field[], lower: string): string | undefined {
  let found: string | undefined;
  for (const field of fields) {
    if (field.lower !== lower) continue;
    if (found !== undefined) throw new HttpError("HTTP_FIELD_REPEATED", 400);
    found = field.value;
  }
  return found;
}

/** The members of a comma-separated list field, lower case, over all its lines (RFC 9110 §5.6.1). */
export function listed(fields: readonly Field[], lower: string): readonly string[] {
  // Most heads have no such field; it is looked for many times in each.
  let members = NONE;
  for (const field of fields) {
    if (field.lower !== lower) continue;
    const own = field.value.split(",").map((member) => member.trim().toLowerCase()).filter((member) => member !== "");
    members = members.length === 0 ? own : [...members, ...own];
  }
  return members;
}

const NONE: readonly string[] = [];

/** Fields that speak of one connection only (RFC 9110 §7.6.1), with the ones that old clients send. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields by which a message is framed or routed. */
const STRUCTURAL: ReadonlySet<string> = new Set(["content-length", "host", ...HOP_BY_HOP]);

/**
 * A lower-case name as it is read by those who take other characters for the hyphen: gateways that hand fields on as
 * variables (RFC 3875 §4.1.18) read `Content_Length` as `Content-Length` (TM-18, TM-20).
 */
export function foldedName(lower: string): string {
  return lower.replace(/[^a-z0-9]/g, "-");
}

/** Whether a name, in any spelling, is that of a field by which messages are framed or routed. */
export function isStructural(lower: string): boolean {
  return STRUCTURAL.has(foldedName(lower));
}

/** Whether a name is a structural field's for such readers, and for nobody else. */
function isDisguised(lower: string): boolean {
  return /[^a-z0-9-]/.test(lower) && isStructural(lower);
}

/** What a `Connection` field may name besides hop-by-hop fields; anything else could strip a field that matters (TM-18). */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(["close", "http2-settings", ...HOP_BY_HOP]);

/**
 * The fields that go on to the next hop.
 *
 * @param dropped Names, in lower case, of others that do not.
 */
export function endToEnd(fields: readonly Field[], dropped: ReadonlySet<string> = HOP_BY_HOP): Field[] {
  for (const option of listed(fields, "connection")) {
    if (!CONNECTION_OPTIONS.has(option)) throw new HttpError("HTTP_FIELD_INVALID", 400);
  }
  return fields.filter(({ lower }) => !HOP_BY_HOP.has(lower) && lower !== "http2-settings" && !dropped.has(lower));
}
