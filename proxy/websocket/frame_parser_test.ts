import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import { FrameError, OPCODE } from "./frame.ts";
import { FrameParser, type Sender } from "./frame_parser.ts";
import { clientFrame, closePayload, hostFrame, type RawFrame } from "./testing/raw_frames.ts";

/** What came out, with the pieces of one message joined. */
type Seen = readonly [kind: string, payload: string];

function parse(sender: Sender, chunks: readonly string[]): { seen: Seen[]; error: number | undefined } {
  const parser = new FrameParser(sender);
  const seen: [string, string][] = [];
  try {
    for (const chunk of chunks) {
      for (const piece of parser.parse(encodeLatin1(chunk))) {
        const payload = decodeLatin1(piece.payload);
        if (piece.kind === "control") seen.push([String(piece.opcode), payload]);
        else if (piece.starts) seen.push([piece.kind, payload]);
        else seen.findLast(([kind]) => kind === piece.kind)![1] += payload;
        if (piece.kind !== "control" && piece.ends) seen.push(["end", ""]);
      }
    }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return { seen, error: error.closeCode };
  }
  return { seen, error: undefined };
}

const { continuation, text, binary, close, ping, pong } = OPCODE;
const END: Seen = ["end", ""];

const VALID: readonly (readonly [why: string, frames: readonly RawFrame[], expected: readonly Seen[]])[] = [
  ["a text message", [{ opcode: text, payload: "hello" }], [["text", "hello"], END]],
  ["an empty text message", [{ opcode: text }], [["text", ""], END]],
  ["a binary message", [{ opcode: binary, payload: "\x00\xff" }], [["binary", "\x00\xff"], END]],
  ["a message of 125 bytes", [{ opcode: text, payload: "a".repeat(125) }], [["text", "a".repeat(125)], END]],
  ["a message of 126 bytes", [{ opcode: text, payload: "a".repeat(126) }], [["text", "a".repeat(126)], END]],
  ["a message of 65535 bytes", [{ opcode: text, payload: "a".repeat(65535) }], [["text", "a".repeat(65535)], END]],
  ["a message of 65536 bytes", [{ opcode: text, payload: "a".repeat(65536) }], [["text", "a".repeat(65536)], END]],
  ["a message of 200000 bytes", [{ opcode: binary, payload: "b".repeat(200_000) }], [
    ["binary", "b".repeat(200_000)],
    END,
  ]],
  [
    "a message of fragments with a ping between",
    [
      { opcode: text, payload: "one ", fin: false },
      { opcode: ping, payload: "p" },
      { opcode: continuation, payload: "two ", fin: false },
      { opcode: continuation, fin: false },
      { opcode: continuation, payload: "three" },
      { opcode: binary, payload: "next" },
    ],
    [["text", "one two three"], [String(ping), "p"], END, ["binary", "next"], END],
  ],
  ["a ping of 125 bytes", [{ opcode: ping, payload: "p".repeat(125) }], [[String(ping), "p".repeat(125)]]],
  ["a pong that nobody asked for", [{ opcode: pong }], [[String(pong), ""]]],
  ["a close without a code", [{ opcode: close }], [[String(close), ""]]],
  ["a close with a code and reason", [{ opcode: close, payload: closePayload(4001, "bye") }], [
    [String(close), closePayload(4001, "bye")],
  ]],
  ["what follows a close, which is dropped", [{ opcode: close }, { opcode: 3 }], [[String(close), ""]]],
];

for (const [why, frames, expected] of VALID) {
  for (const [sender, write] of [["client", clientFrame], ["server", hostFrame]] as const) {
    Deno.test(`FrameParser reads ${why} of a ${sender}`, () => {
      assert.deepEqual(parse(sender, [frames.map(write).join("")]), { seen: expected, error: undefined });
    });
  }
}

const INVALID: readonly (readonly [why: string, frames: readonly RawFrame[], closeCode?: number])[] = [
  ["the first reserved bit, which permessage-deflate sets", [{ opcode: text, rsv: 4, payload: "x" }]],
  ["the second reserved bit", [{ opcode: text, rsv: 2 }]],
  ["the third reserved bit", [{ opcode: text, rsv: 1 }]],
  ["a reserved bit on a ping", [{ opcode: ping, rsv: 4 }]],
  ["a reserved bit on a continuation", [{ opcode: text, fin: false }, { opcode: continuation, rsv: 4 }]],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, [{ opcode }]] as const),
  ["a continuation of nothing", [{ opcode: continuation, payload: "x" }]],
  ["a continuation after a whole message", [{ opcode: text }, { opcode: continuation }]],
  ["a text frame inside a message", [{ opcode: text, fin: false }, { opcode: text }]],
  ["a binary frame inside a message", [{ opcode: text, fin: false }, { opcode: binary }]],
  ["a ping in fragments", [{ opcode: ping, fin: false }]],
  ["a close in fragments", [{ opcode: close, fin: false }]],
  ["a ping of 126 bytes", [{ opcode: ping, payload: "p".repeat(126) }]],
  ["a close of 126 bytes", [{ opcode: close, payload: "p".repeat(126) }]],
  ["a ping with a long length", [{ opcode: ping, payload: "p", lengthBytes: 8 }]],
  ["a close of one byte", [{ opcode: close, payload: "\x03" }]],
  ["a length of 125 in two bytes", [{ opcode: text, payload: "a".repeat(125), lengthBytes: 2 }]],
  ["a length of 0 in eight bytes", [{ opcode: text, lengthBytes: 8 }]],
  ["a length of 65535 in eight bytes", [{ opcode: text, payload: "a".repeat(65535), lengthBytes: 8 }]],
];

for (const [why, frames, closeCode = 1002] of INVALID) {
  for (const [sender, write] of [["client", clientFrame], ["server", hostFrame]] as const) {
    Deno.test(`FrameParser refuses ${why} of a ${sender}`, () => {
      const bytes = frames.map(write).join("");
      assert.equal(parse(sender, [bytes]).error, closeCode);
      assert.equal(parse(sender, [...bytes]).error, closeCode, "byte by byte");
    });
  }
}

Deno.test("FrameParser refuses a client's frame without a mask", () => {
  assert.equal(parse("client", [hostFrame({ opcode: text, payload: "x" })]).error, 1002);
});

Deno.test("FrameParser refuses a server's frame with a mask", () => {
  assert.equal(parse("server", [clientFrame({ opcode: text, payload: "x" })]).error, 1002);
});

Deno.test("FrameParser refuses a length with its highest bit set, and one that no number holds", () => {
  assert.equal(parse("server", ["\x82\x7f\x80\0\0\0\0\0\0\0"]).error, 1002);
  assert.equal(parse("server", ["\x82\x7f\x00\x20\0\0\0\0\0\0"]).error, 1009);
  assert.equal(parse("server", ["\x82\x7f\x00\x1f\xff\xff\xff\xff\xff\xff"]).error, undefined);
});

Deno.test("FrameParser gives out a frame up to its limit in one piece, however it came, and a longer one as it comes", () => {
  const pieces = (length: number) => {
    const parser = new FrameParser("server");
    const bytes = hostFrame({ opcode: binary, payload: "x".repeat(length) });
    const sizes: number[] = [];
    for (let at = 0; at < bytes.length; at += 1000) {
      for (const piece of parser.parse(encodeLatin1(bytes.slice(at, at + 1000)))) sizes.push(piece.payload.length);
    }
    return sizes;
  };
  assert.deepEqual(pieces(LIMITS.webSocketPieceBytes), [LIMITS.webSocketPieceBytes]);
  const sizes = pieces(10 * LIMITS.webSocketPieceBytes);
  assert.ok(sizes.length > 5 && sizes.every((size) => size < 2 * LIMITS.webSocketPieceBytes));
});

/** Any valid stream: messages of fragments with control frames between. */
const payload = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
});
const control = fc.record({ opcode: fc.constantFrom(ping, pong), payload: payload.map((each) => each.slice(0, 125)) });
const message = fc.tuple(
  fc.constantFrom(text, binary),
  fc.array(fc.tuple(payload, fc.array(control, { maxLength: 2 })), { minLength: 1, maxLength: 4 }),
).map(([opcode, fragments]) =>
  fragments.flatMap(([part, controls], at): RawFrame[] => [
    { opcode: at === 0 ? opcode : continuation, payload: part, fin: at === fragments.length - 1 },
    ...controls,
  ])
);
const stream = fc.array(message, { maxLength: 5 }).map((messages) => messages.flat());
const cuts = fc.array(fc.nat(), { maxLength: 20 });

function splitAt(bytes: string, places: readonly number[]): string[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, at) => bytes.slice(sorted[at], end));
}

for (const [sender, write] of [["client", clientFrame], ["server", hostFrame]] as const) {
  Deno.test(`FrameParser reads any split of any valid stream of a ${sender} alike`, () => {
    fc.assert(fc.property(stream, cuts, (frames, places) => {
      const bytes = frames.map(write).join("");
      const whole = parse(sender, [bytes]);
      assert.equal(whole.error, undefined);
      assert.deepEqual(parse(sender, splitAt(bytes, places)), whole);
      // Nothing is lost: the payloads are those that went in.
      const sent = frames.map((frame) => frame.payload ?? "").reduce((sum, each) => sum + each.length, 0);
      assert.equal(whole.seen.reduce((sum, [, each]) => sum + each.length, 0), sent);
    }));
  });

  Deno.test(`FrameParser ends any changed stream of a ${sender} with a FrameError or reads it`, () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(fc.property(stream, fc.array(change, { minLength: 1, maxLength: 4 }), cuts, (frames, changes, places) => {
      const bytes = [...frames.map(write).join("")];
      for (const [place, code] of changes) {
        if (bytes.length > 0) bytes[place % bytes.length] = String.fromCharCode(code);
      }
      const whole = parse(sender, [bytes.join("")]);
      const split = parse(sender, splitAt(bytes.join(""), places));
      assert.equal(split.error, whole.error);
      // A split may show a part of a payload that is not whole, no more.
      assert.ok(split.seen.length >= whole.seen.length);
    }));
  });
}
