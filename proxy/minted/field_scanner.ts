import { EXPIRY_REGEXP } from "../../policy/minted_field.ts";
import { concat, concatAll } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import type { FieldNames, NameSet } from "./field_names.ts";

/** Gives what stands in a field's place; undefined leaves it as it is. */
export type MintField = (field: string, value: string) => string | undefined;

/** A field that was found, or that it is none, or that it cannot be told before more bytes have come. */
type Found = { readonly start: number; readonly end: number; readonly value: string } | "none" | "more";

const EMPTY = new Uint8Array(0);
const [QUOTE, BACKSLASH, COLON, LESS, GREATER, SLASH] = [0x22, 0x5c, 0x3a, 0x3c, 0x3e, 0x2f] as const;
const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET] = [0x7b, 0x5b, 0x7d, 0x5d] as const;

/**
 * Replaces the values of some fields in a body of JSON or XML as it streams, at whatever depth they stand.
 *
 * It looks for names and reads what follows, and does not ask whether the whole is well formed: what a program can make of
 * a body that is not, it could do too. Only a field that is not whole yet is held back.
 */
export class FieldScanner {
  readonly #names: NameSet;
  readonly #valueOf: (bytes: Uint8Array, name: Span, final: boolean) => Found;
  readonly #mint: MintField;
  #held: Uint8Array = EMPTY;
  /** In what went on already: it counts wherever it stood, since where is not known any more. */
  #expirySeen = false;

  constructor(names: FieldNames, syntax: "json" | "xml", mint: MintField) {
    this.#names = names[syntax];
    this.#valueOf = syntax === "json" ? jsonValue : xmlValue;
    this.#mint = mint;
  }

  /**
   * Takes the next bytes.
   *
   * @returns What may go on now; it may be a part of `chunk` itself.
   * @throws {Refusal} `PROXY_UPSTREAM_INVALID` for a field that is longer than any credential.
   */
  push(chunk: Uint8Array): Uint8Array {
    return this.#take(this.#held.length === 0 ? chunk : concat(this.#held, chunk), false);
  }

  /**
   * Ends the body. A value that is cut off is replaced all the same.
   *
   * @param last Its last bytes, or all of them.
   */
  flush(last: Uint8Array = EMPTY): Uint8Array {
    return this.#take(this.#held.length === 0 ? last : concat(this.#held, last), true);
  }

  #take(bytes: Uint8Array, final: boolean): Uint8Array {
    const { set, patterns } = this.#names;
    const out: Uint8Array[] = [];
    let done = 0;
    let end = bytes.length;
    /** Behind the name of a time of expiry. */
    let expiry: number | undefined;
    const expiryBefore = this.#expirySeen;
    for (let match = set.find(bytes); match !== undefined;) {
      const name = patterns[match.pattern]!;
      let from = match.start + 1;
      if (name.kind === "expiry") {
        expiry = match.end;
        this.#expirySeen = true;
      } else {
        let found = this.#valueOf(bytes, match, final);
        if (typeof found === "object" && name.ifExpiring) {
          const before = expiryBefore || (expiry !== undefined && isSameLevel(bytes, expiry, match.start));
          found = before ? found : ifExpiryFollows(bytes, found, final);
          // A large object with some token in it is not held for ever.
          if (found === "more" && bytes.length - match.start > LIMITS.mintedFieldBytes) found = "none";
        }
        if (found === "more") {
          end = match.start;
          break;
        }
        const standIn = found === "none" ? undefined : this.#mint(name.field, found.value);
        if (found !== "none" && standIn !== undefined) {
          out.push(bytes.subarray(done, found.start), new TextEncoder().encode(standIn));
          done = from = found.end;
        }
      }
      match = set.find(bytes, from);
    }
    if (end === bytes.length && !final) end = Math.max(done, set.settledEnd(bytes, done));
    if (bytes.length - end > LIMITS.mintedFieldBytes) {
      throw new Refusal("PROXY_UPSTREAM_INVALID", { detail: "a credential in its response is too long" });
    }
    this.#held = end === bytes.length ? EMPTY : bytes.slice(end);
    const rest = bytes.subarray(done, end);
    return out.length === 0 ? rest : concatAll([...out, rest]);
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The string that is the value of a member (RFC 8259 §4). */
function jsonValue(bytes: Uint8Array, { start, end }: Span, final: boolean): Found {
  const colon = skipSpace(bytes, bytes.indexOf(QUOTE, start + 1) + 1);
  if (colon >= bytes.length) return final ? "none" : "more";
  if (bytes[colon] !== COLON) return "none";
  const open = skipSpace(bytes, Math.max(colon + 1, end));
  if (open >= bytes.length) return final ? "none" : "more";
  if (bytes[open] !== QUOTE) return "none";
  const close = closingQuote(bytes, open + 1);
  if (close >= bytes.length && !final) return "more";
  return { start: open + 1, end: close, value: jsonText(text(bytes, open + 1, close)) };
}

function jsonText(inner: string): string {
  try {
    return String(JSON.parse(`"${inner}"`));
  } catch {
    return inner;
  }
}

/** The text of an element that holds nothing else, also in a CDATA section. Entities stay: credentials have none. */
function xmlValue(bytes: Uint8Array, name: Span, final: boolean): Found {
  const { end } = name;
  // Behind a namespace's prefix, its beginning tells an opening tag from a closing one.
  const prefix = bytes[name.start] === COLON ? text(bytes, Math.max(0, name.start - MAX_PREFIX), name.start) : "";
  if (!/(?:^|<[\w.-]*)$/.test(prefix)) return "none";
  const next = bytes[end];
  if (next !== undefined && next !== GREATER && !isSpace(next)) return "none";
  const open = bytes.indexOf(GREATER, end);
  if (open < 0) return final ? "none" : "more";
  // An element without content.
  if (bytes[open - 1] === SLASH) return "none";
  let start = skipSpace(bytes, open + 1);
  let closing = "</";
  if (bytes[start] === LESS && bytes[start + 1] !== SLASH) {
    const section = text(bytes, start, start + CDATA.length);
    if (!CDATA.startsWith(section)) return "none";
    start += section.length;
    closing = "]]>";
    if (section !== CDATA) return final ? "none" : "more";
  }
  let close = start;
  const ends = [LESS, CLOSE_BRACKET, undefined] as const;
  while (!ends.some((byte) => byte === bytes[close]) && !isSpace(bytes[close])) close++;
  const value = { start, end: close, value: text(bytes, start, close) };
  const after = skipSpace(bytes, close);
  const rest = text(bytes, after, after + closing.length);
  if (after + rest.length === bytes.length && closing.startsWith(rest) && rest !== closing) {
    return final ? value : "more";
  }
  return rest === closing ? value : "none";
}

const MAX_PREFIX = 64;
const CDATA = "<![CDATA[";

/** Whether a time of expiry stands behind a value, in the same object. */
function ifExpiryFollows(bytes: Uint8Array, value: Exclude<Found, string>, final: boolean): Found {
  let depth = 0;
  let at = value.end + 1;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (opens(byte)) depth++;
    else if (closes(byte)) {
      if (--depth < 0) return "none";
    } else if (byte === QUOTE) {
      const close = closingQuote(bytes, at + 1);
      const name = depth === 0 && bytes[skipSpace(bytes, close + 1)] === COLON ? text(bytes, at + 1, close) : "";
      if (EXPIRY_REGEXP.test(name)) return value;
      at = close;
    }
  }
  return final ? "none" : "more";
}

/** Whether two positions outside of strings stand in one object, with whole values between them. */
function isSameLevel(bytes: Uint8Array, from: number, to: number): boolean {
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = closingQuote(bytes, at + 1);
    else if (opens(byte)) depth++;
    else if (closes(byte) && --depth < 0) return false;
  }
  return depth === 0;
}

/** Where a string ends; the end of the bytes if it does not. */
function closingQuote(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, bytes.length);
}

function opens(byte: number): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

function closes(byte: number): boolean {
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end));
}
