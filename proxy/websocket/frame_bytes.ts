import { encodeLatin1 } from "../http/latin1.ts";
import { type CloseCode, OPCODE } from "./frame.ts";

/** A frame as it goes out. */
export interface OutgoingFrame {
  readonly opcode: typeof OPCODE[keyof typeof OPCODE];
  readonly fin: boolean;
  readonly payload: Uint8Array;
}

/**
 * Writes a frame with the shortest length there is, in one piece with its payload (RFC 6455 §5.2).
 *
 * @param masked As a client sends it: with a fresh key from a cryptographic source, so that what the contained program
 * sends cannot choose the bytes on the wire (§10.3).
 */
export function frameBytes({ opcode, fin, payload }: OutgoingFrame, masked: boolean): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const extra = length <= 125 ? 0 : length <= 0xffff ? 2 : 8;
  const start = 2 + extra + (masked ? 4 : 0);
  const bytes = new Uint8Array(start + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (fin ? 0x80 : 0) | opcode;
  bytes[1] = (masked ? 0x80 : 0) | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(payload, start);
  if (masked) {
    const key = crypto.getRandomValues(bytes.subarray(2 + extra, start));
    for (let at = 0; at < length; at++) bytes[start + at]! ^= key[at & 3]!;
  }
  return bytes;
}

/** A server's Close frame. @param reason ASCII, at most 123 bytes. */
export function closeFrame(code: CloseCode, reason: string): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(2 + reason.length);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(encodeLatin1(reason), 2);
  return frameBytes({ opcode: OPCODE.close, fin: true, payload }, false);
}
