import assert from "node:assert/strict";
import fc from "fast-check";
import { concatAll } from "../../../proxy/concat.ts";
import { encodeLatin1 } from "../../../proxy/http/latin1.ts";
import {
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  frameBytes,
  MAX_FRAME_BYTES,
  PREFACE,
  readUint32,
} from "../../../proxy/http2/frame.ts";
import { HpackDecoder } from "../../../proxy/http2/hpack/decoder.ts";
import { encodeBlock } from "../../../proxy/http2/hpack/encode.ts";
import { Http2Connection } from "../../../proxy/http2/http2_connection.ts";
import { Http2Error } from "../../../proxy/http2/http2_error.ts";
import type { Http2Stream } from "../../../proxy/http2/http2_stream.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

const REQUEST = [":method", "POST", ":scheme", "https", ":authority", "api.test", ":path", "/"];

const text = fc.constantFrom("a", "x-b", "", "cookie", ":path", "b".repeat(200));
const literals = fc.array(fc.tuple(text, text), { maxLength: 5 }).map((fields) => encodeBlock(fields.flat()));
/** Entries of the static table, literals that are added, sizes of the table, and texts in Huffman's code. */
const parts = fc.constantFrom(
  "82",
  "87",
  "be",
  "bf",
  "400161026262",
  "20",
  "3fe11f",
  "418cf1e3c2e5f23a6ba0ab90f4ff",
  "5886a8eb10649cbf",
);
const blocks = fc.tuple(fc.array(parts, { maxLength: 8 }), literals)
  .map(([indexed, literal]) => concatAll([Uint8Array.fromHex(indexed.join("")), literal]));

/** Header blocks, each read twice by one decoder: what it keeps of the first must not break it. */
export const http2HeaderBlocks: FuzzTarget = {
  name: "http2-header-block",
  inputs: blocks,
  dictionary: ["\x82", "\xbe", "\x40\x01a", "\x3f\xe1\x1f", "\x20", "\x10\x01"],
  check(input) {
    const decoder = new HpackDecoder();
    try {
      for (const raw of [decoder.decode(input), decoder.decode(input)]) {
        if (raw === undefined) continue;
        assert.equal(raw.length % 2, 0);
        assert.deepEqual(new HpackDecoder().decode(encodeBlock(raw)), raw);
      }
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      return false;
    }
    return true;
  },
};

const frames = fc.array(
  fc.record({
    type: fc.nat(11),
    flags: fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d),
    stream: fc.constantFrom(0, 1, 3, 5, 2),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constant(encodeBlock(REQUEST)),
      fc.constant(new Uint8Array(8)),
    ),
  }).map(frameBytes),
  { maxLength: 10 },
);
const begun = (stream: number) =>
  frameBytes({ type: FRAME.headers, flags: FLAG.endHeaders, stream, payload: encodeBlock(REQUEST) });

/** All that a client sends behind its preface and settings, to a server that answers each stream at once. */
export const http2Frames: FuzzTarget = {
  name: "http2-frames",
  inputs: fc.tuple(fc.boolean(), frames).map(([opens, all]) => concatAll([...opens ? [begun(1)] : [], ...all])),
  dictionary: [
    "\0\0\x04\x08\0\0\0\0\0",
    "\0\0\0\x01\x05\0\0\0\x03",
    "\0\0\x04\x03\0\0\0\0\x01",
    "\0\0\x01\0\x01\0\0\0\x01a",
  ],
  async check(input) {
    const settings = frameBytes({ type: FRAME.settings, flags: 0, stream: 0, payload: new Uint8Array(0) });
    let rest = concatAll([encodeLatin1(PREFACE), settings, input]);
    const written: Uint8Array[] = [];
    let streams = 0;
    const connection = new Http2Connection({
      read(into) {
        if (rest.length === 0) return Promise.resolve(null);
        const count = Math.min(into.length, rest.length, 50);
        into.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        return Promise.resolve(count);
      },
      write(bytes) {
        written.push(bytes.slice());
        return Promise.resolve(bytes.length);
      },
      close() {},
    }, {
      onStream(stream) {
        streams++;
        answer(stream).catch(() => stream.reset("INTERNAL_ERROR"));
      },
    });
    await connection.ended;
    assertFrames(concatAll(written));
    return streams > 0;
  },
};

async function answer(stream: Http2Stream): Promise<void> {
  while (await stream.read() !== undefined);
  await stream.sendHeaders([":status", "200"], { end: false });
  await stream.write(encodeLatin1("hello"));
  await stream.end();
}

/** What we send is frames, whatever came. */
function assertFrames(bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    assert.ok(bytes.length - at >= FRAME_HEADER_BYTES);
    const length = readUint32(bytes, at) >>> 8;
    assert.ok(length <= MAX_FRAME_BYTES && bytes[at + 3]! <= FRAME.continuation);
    at += FRAME_HEADER_BYTES + length;
  }
  assert.equal(at, bytes.length);
}
