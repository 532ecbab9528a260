import { encodeLatin1 } from "./latin1.ts";

/** The last chunk, without trailers (RFC 9112 §7.1). */
export const LAST_CHUNK = encodeLatin1("0\r\n\r\n");

/**
 * Frames bytes as one chunk, in one piece, so that a listener with Nagle's algorithm does not delay its end.
 *
 * @param bytes Not empty: an empty chunk would end the body.
 * @param before What goes out right before it.
 */
export function chunk(bytes: Uint8Array, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  const size = encodeLatin1(`${bytes.length.toString(16)}\r\n`);
  const framed = new Uint8Array(before.length + size.length + bytes.length + 2);
  framed.set(before);
  framed.set(size, before.length);
  framed.set(bytes, before.length + size.length);
  framed.set([13, 10], framed.length - 2);
  return framed;
}
