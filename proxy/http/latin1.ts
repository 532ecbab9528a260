import { Buffer } from "node:buffer";

// Heads are decoded and encoded for every request: Node's native codec takes a hundredth of the time of a loop over
// characters, and TextDecoder's "latin1" is windows-1252.

/** One character for each byte, so that a head survives a round trip byte for byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

// deno-lint-ignore no-control-regex
const LATIN1_REGEXP = /^[\x00-\xff]*$/;

/** @throws {RangeError} if a character does not fit a byte: a head is never silently changed. */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  if (!LATIN1_REGEXP.test(text)) throw new RangeError("Cannot encode head: a character does not fit a byte");
  const bytes = new Uint8Array(text.length);
  Buffer.from(bytes.buffer).write(text, "latin1");
  return bytes;
}
