import { encodeLatin1 } from "../../http/latin1.ts";

/**
 * Writes a header block of literals that are never indexed: what is secret must not be told by the length of a compressed
 * one (RFC 7541 §7.1), and our ways are short.
 *
 * @param raw Name, value, name, value: one character for each byte.
 */
export function encodeBlock(raw: readonly string[]): Uint8Array<ArrayBuffer> {
  let text = "";
  for (let at = 0; at + 1 < raw.length; at += 2) text += `\x10${string(raw[at]!)}${string(raw[at + 1]!)}`;
  return encodeLatin1(text);
}

function string(text: string): string {
  return integer(text.length) + text;
}

/** With a prefix of seven bits, of which the eighth says that no Huffman code follows (RFC 7541 §5.1). */
function integer(value: number): string {
  if (value < 0x7f) return String.fromCharCode(value);
  let text = "\x7f";
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest = rest >>> 7) text += String.fromCharCode((rest & 0x7f) | 0x80);
  return text + String.fromCharCode(rest);
}
