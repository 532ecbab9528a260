import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { FrameError, OPCODE } from "../../../proxy/websocket/frame.ts";
import { frameBytes } from "../../../proxy/websocket/frame_bytes.ts";
import { FrameParser } from "../../../proxy/websocket/frame_parser.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { splits } from "../split_source.ts";

/** What came, as far as it came: messages and control frames in order, an open message, and whether it broke off. */
interface Stream {
  readonly whole: readonly string[];
  readonly open: string;
  readonly broken: boolean;
}

function parsed(parts: readonly Uint8Array[]): Stream {
  const parser = new FrameParser("client");
  const whole: string[] = [];
  let open = "";
  try {
    for (const part of parts) {
      // It is unmasked in place.
      for (const piece of parser.parse(part.slice())) {
        if (piece.kind === "control") whole.push(`${piece.opcode}:${decodeLatin1(piece.payload)}`);
        else {
          assert.equal(piece.starts, open === "", "a message that starts in another");
          open = (piece.starts ? `${piece.kind}:` : open) + decodeLatin1(piece.payload);
          if (!piece.ends) continue;
          whole.push(open);
          open = "";
        }
      }
    }
    return { whole, open, broken: false };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return { whole, open: "", broken: true };
  }
}

/** RFC 6455 §5, read as plainly as it can be written, from bytes that are all there. */
function naive(bytes: Uint8Array): readonly string[] {
  const whole: string[] = [];
  let open: string | undefined;
  for (let at = 0; at + 6 <= bytes.length;) {
    const [first = 0, second = 0] = bytes.subarray(at);
    const opcode = first & 15;
    const fin = first >= 128;
    if ((first & 0x70) !== 0 || second < 128 || (opcode > 2 && opcode < 8) || opcode > 10) break;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const short = second & 127;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (at + 6 + extra > bytes.length) break;
    const size = extra === 0 ? short : extra === 2 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if ((extra === 2 && size < 126) || (extra === 8 && size < 0x10000)) break;
    const key = bytes.subarray(at + 2 + extra, at + 6 + extra);
    const start = at + 6 + extra;
    const isControl = opcode >= 8;
    if (isControl ? !fin || size > 125 || (opcode === 8 && size === 1) : (opcode === 0) !== (open !== undefined)) break;
    if (start + size > bytes.length) break;
    const payload = decodeLatin1(bytes.subarray(start, start + size).map((byte, index) => byte ^ key[index & 3]!));
    at = start + size;
    if (isControl) {
      whole.push(`${opcode}:${payload}`);
      if (opcode === OPCODE.close) break;
      continue;
    }
    open = (opcode === 0 ? open ?? "" : opcode === 1 ? "text:" : "binary:") + payload;
    if (fin) {
      whole.push(open);
      open = undefined;
    }
  }
  return whole;
}

const frame = fc.record({
  opcode: fc.constantFrom(...Object.values(OPCODE)),
  fin: fc.boolean(),
  payload: fc.string({ maxLength: 200 }).map((text) => new TextEncoder().encode(text)),
}).map((outgoing) => decodeLatin1(frameBytes(outgoing, true)));

/** Frames of a client: however they are split, they are read as a plain reader reads them. */
export const webSocketFrames: FuzzTarget = {
  name: "websocket",
  inputs: fc.array(frame, { maxLength: 5 }).map((frames) => encodeLatin1(frames.join(""))),
  dictionary: [
    "\x81\x80\x00\x00\x00\x00",
    "\x01\x81\x00\x00\x00\x00a",
    "\x80\x80\x00\x00\x00\x00",
    "\x88\x80\x00\x00\x00\x00",
    "\x82\xfe\x00\x7e",
  ],
  check(input) {
    const split = parsed(splits(input));
    const together = parsed([input]);
    assert.deepEqual(split.whole, together.whole);
    assert.equal(split.broken, together.broken);
    assert.deepEqual(split.whole, naive(input));
    return split.whole.length > 0;
  },
};
