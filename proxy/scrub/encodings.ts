import { MIN_PATTERN_BYTES } from "./pattern_set.ts";

const utf8 = new TextEncoder();

/**
 * Every form in which programs write a value into text: as it is, JSON, percent, form, HTML, hexadecimal, and base64 in
 * its two alphabets and three alignments, so that a value is also found inside a longer encoded text (TM-01, TM-05).
 *
 * @returns Distinct byte strings of at least {@linkcode MIN_PATTERN_BYTES} bytes.
 */
export function encodedForms(value: string): Uint8Array[] {
  const bytes = utf8.encode(value);
  const texts = new Set<string>([
    value,
    // What a terminal makes of line ends, and what some stores make of a PEM key.
    value.replace(/\r?\n/g, "\r\n"),
    value.replaceAll("\r\n", "\n"),
    ...jsonForms(value),
    ...percentForms(value, bytes),
    htmlForm(value),
    hex(bytes),
    hex(bytes).toUpperCase(),
    ...base64Forms(bytes),
  ]);
  return [...texts].map((text) => utf8.encode(text)).filter((form) => form.length >= MIN_PATTERN_BYTES);
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const ascii = plain.replace(/[\u007f-\uffff]/g, unicodeEscape);
  // Some writers escape what could end a script element (RFC 8259 §7 allows any character to be escaped).
  const html = ascii.replace(/[<>&'+=]/g, unicodeEscape);
  return [plain, ascii, html, plain.replaceAll("/", "\\/"), ascii.replaceAll("/", "\\/")];
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** RFC 3986 §2.1, in both cases of its digits; the form encoding of the URL standard; and every byte escaped. */
function percentForms(value: string, bytes: Uint8Array): string[] {
  const component = encodeURIComponent(value.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([["", value]]).toString().slice(1);
  const path = encodeURI(value.toWellFormed());
  const upper = [component, strict, form, path];
  const every = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  return [...upper, ...upper.map(lowerEscapes), every, every.toUpperCase()];
}

function lowerEscapes(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
}

function htmlForm(value: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return value.replace(/[&<>"']/g, (char) => entities[char]!);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** RFC 4648 §4 and §5. Characters that also hold bits of a neighbour are left out. */
function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const padded = new Uint8Array(offset + bytes.length);
    padded.set(bytes, offset);
    let binary = "";
    for (const byte of padded) binary += String.fromCharCode(byte);
    const encoded = btoa(binary);
    const start = Math.ceil(offset * 8 / 6);
    const end = Math.floor((offset + bytes.length) * 8 / 6);
    const standard = encoded.slice(start, end);
    return [standard, standard.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
