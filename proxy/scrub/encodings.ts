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
    ...htmlForms(value),
    hex(bytes),
    hex(bytes).toUpperCase(),
    ...base64Forms(bytes),
  ]);
  return [...texts].map((text) => utf8.encode(text)).filter((form) => form.length >= MIN_PATTERN_BYTES);
}

/**
 * RFC 8259 §7 allows any character to be escaped: what writers of JSON escape besides what they must, so that it can
 * stand in a page, or in ASCII.
 */
function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const escape = (text: string, characters: RegExp, digits = lowerDigits) => text.replace(characters, digits);
  const ascii = escape(plain, NON_ASCII_REGEXP);
  const quotes = plain.replaceAll('\\"', "\\u0022");
  return [
    plain,
    plain.replaceAll("/", "\\/"),
    // Python, and PHP.
    ascii,
    ascii.replaceAll("/", "\\/"),
    // Jackson, where it writes ASCII.
    escape(plain, NON_ASCII_REGEXP, upperDigits),
    // Go and Rails; Gson; what escapes more.
    escape(plain, /[<>&]/g),
    escape(plain, /[<>&'=]/g),
    escape(ascii, /[<>&'+=]/g),
    // PHP with JSON_HEX_*.
    escape(escape(quotes, NON_ASCII_REGEXP), /[<>&']/g, upperDigits).replaceAll("/", "\\/"),
    // .NET.
    escape(quotes, /[<>&'+`\u007f-\uffff]/g, upperDigits),
  ];
}

const NON_ASCII_REGEXP = /[\u007f-\uffff]/g;

function lowerDigits(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function upperDigits(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
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

/** How writers of HTML and XML write what they escape; all write `&amp;`, `&lt;` and `&gt;`. */
const ENTITIES: readonly Readonly<Record<string, string>>[] = [
  // Python's older ones, Java, Express, React.
  { '"': "&quot;", "'": "&#39;" },
  // PHP, and those that leave the apostrophe.
  { '"': "&quot;", "'": "&#039;" },
  { '"': "&quot;" },
  {},
  // Python, and OWASP's rule.
  { '"': "&quot;", "'": "&#x27;" },
  { '"': "&quot;", "'": "&#x27;", "/": "&#x2F;" },
  // XML.
  { '"': "&quot;", "'": "&apos;" },
  // Go, and its templates.
  { '"': "&#34;", "'": "&#39;" },
  { '"': "&#34;", "'": "&#39;", "+": "&#43;" },
  // Handlebars, Mustache.
  { '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;" },
  { '"': "&quot;", "'": "&#39;", "`": "&#x60;", "=": "&#x3D;", "/": "&#x2F;" },
  // .NET.
  { '"': "&quot;", "'": "&#x27;", "+": "&#x2B;", "`": "&#x60;" },
];

function htmlForms(value: string): string[] {
  const always: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return ENTITIES.map((entities) => value.replace(/[&<>"'`=+/]/g, (char) => always[char] ?? entities[char] ?? char));
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
