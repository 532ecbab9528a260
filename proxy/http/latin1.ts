import { Buffer } from "node:buffer";

/** One character for each byte, so that a head survives a round trip byte for byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  // TextDecoder's "latin1" is windows-1252, and a loop over characters takes a hundred times as long.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

const utf8 = new TextEncoder();

/** @throws {RangeError} if a character does not fit a byte: a head is never silently changed. */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  encodeInto(text, bytes);
  return bytes;
}

/** What most heads fit into. */
const SCRATCH = new Uint8Array(16 * 1024);

/**
 * Encodes a text for a look at its bytes, which are gone when `use` returns, or calls this itself: to allocate them takes
 * as long as all else.
 *
 * @throws as {@linkcode encodeLatin1}
 */
export function withLatin1<T>(text: string, use: (bytes: Uint8Array) => T): T {
  if (text.length > SCRATCH.length) return use(encodeLatin1(text));
  const bytes = SCRATCH.subarray(0, text.length);
  encodeInto(text, bytes);
  return use(bytes);
}

/** @param bytes As many as `text` has characters. */
function encodeInto(text: string, bytes: Uint8Array<ArrayBuffer>): void {
  // UTF-8 is the same for ASCII, and needs more room for all else.
  if (utf8.encodeInto(text, bytes).read === text.length) return;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) throw new RangeError("Cannot encode head: a character does not fit a byte");
    bytes[at] = code;
  }
}
