import assert from "node:assert/strict";
import { concatAll } from "../concat.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { FLAG, FRAME, FRAME_HEADER_BYTES, frameBytes, PREFACE, readUint32, uint32 } from "./frame.ts";
import { encodeBlock } from "./hpack/encode.ts";
import { Http2Connection } from "./http2_connection.ts";
import type { Http2Stream } from "./http2_stream.ts";

const PIECE = new Uint8Array(10_000);
const REQUEST = [":method", "POST", ":scheme", "https", ":authority", "api.test", ":path", "/"];

const send = (type: number, flags: number, stream: number, payload: Uint8Array) =>
  frameBytes({ type, flags, stream, payload });

/** A server reads these frames of a client. @returns How much of the shared window it gave back. */
async function creditFor(frames: readonly Uint8Array[], use: (stream: Http2Stream) => void): Promise<number> {
  let rest = concatAll([encodeLatin1(PREFACE), send(FRAME.settings, 0, 0, new Uint8Array(0)), ...frames]);
  const written: Uint8Array[] = [];
  const connection = new Http2Connection({
    async read(into) {
      // One turn for whoever acts upon what came before.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (rest.length === 0) return null;
      const count = Math.min(into.length, rest.length, 100);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    write(bytes) {
      written.push(bytes.slice());
      return Promise.resolve(bytes.length);
    },
    close() {},
  }, { onStream: use });
  await connection.ended;
  const bytes = concatAll(written);
  let credit = 0;
  for (let at = 0; at < bytes.length; at += FRAME_HEADER_BYTES + (readUint32(bytes, at) >>> 8)) {
    const isShared = bytes[at + 3] === FRAME.windowUpdate && readUint32(bytes, at + 5) === 0;
    if (isShared) credit += readUint32(bytes, at + FRAME_HEADER_BYTES);
  }
  return credit;
}

const begin = (id: number, more: readonly string[] = []) =>
  send(FRAME.headers, FLAG.endHeaders, id, encodeBlock([...REQUEST, ...more]));
const reset = (id: number) => send(FRAME.rstStream, 0, id, uint32(8));

const UNREAD: readonly [why: string, frames: readonly Uint8Array[], use: (stream: Http2Stream) => void][] = [
  ["that its client resets", [
    begin(1),
    ...Array.from({ length: 4 }, () => send(FRAME.data, 0, 1, PIECE)),
    reset(1),
  ], () => {}],
  ["that we reset", [
    begin(1),
    ...Array.from({ length: 4 }, () => send(FRAME.data, 0, 1, PIECE)),
  ], (stream) => void setTimeout(() => stream.reset("NO_ERROR"), 0)],
  ["that is whole, and that we reset", [
    begin(1),
    ...Array.from({ length: 4 }, (_, at) => send(FRAME.data, at === 3 ? FLAG.endStream : 0, 1, PIECE)),
    // Some more turns.
    ...Array.from({ length: 40 }, () => send(FRAME.ping, 0, 0, new Uint8Array(8))),
  ], (stream) => {
    const timer = setInterval(() => {
      if (!stream.remoteEnded) return;
      clearInterval(timer);
      stream.reset("NO_ERROR");
    }, 0);
  }],
  ["that is longer than it said", [
    begin(1, ["content-length", "30000"]),
    ...Array.from({ length: 4 }, () => send(FRAME.data, 0, 1, PIECE)),
  ], () => {}],
  ["that has ended before", [
    begin(1),
    reset(1),
    ...Array.from({ length: 4 }, () => send(FRAME.data, 0, 1, PIECE)),
  ], () => {}],
];
for (const [why, frames, use] of UNREAD) {
  Deno.test(`TM-24 Http2Connection gives back the window of a body ${why} [P-5.1]`, async () => {
    // In parts of 16 KiB: of 40,000 bytes some wait for more.
    assert.ok(await creditFor(frames, use) >= 40_000 - 16 * 1024);
  });
}
