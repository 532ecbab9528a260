import assert from "node:assert/strict";
import fc from "fast-check";
import { concatAll } from "../concat.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { isGrpc, MessageWise } from "./grpc.ts";

const VALUE = "value-0123456789";
const TOKEN = "kz_masked_012345";

function framed(payload: string): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length);
  new DataView(bytes.buffer).setUint32(1, payload.length);
  bytes.set(new TextEncoder().encode(payload), 5);
  return bytes;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const payload = fc.array(fc.constantFrom(VALUE, VALUE.slice(0, 9), "v", "x", VALUE.slice(1)), { maxLength: 4 })
  .map((parts) => parts.join(""));

Deno.test("TM-03 MessageWise finds a value in a message however it is cut, and holds nothing back at its end", () => {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 5 }), fc.array(fc.nat(40), { maxLength: 8 }), (messages, cuts) => {
      const whole = concatAll(messages.map(framed));
      const ends = messages.map((_, at) => concatAll(messages.slice(0, at + 1).map(framed)).length);
      const searcher = new MessageWise(
        new ScrubPlan([{ text: VALUE, standIn: TOKEN }]).replacer({ keepLength: true }),
      );
      const places = [...new Set([...cuts.map((cut) => Math.min(cut, whole.length)), whole.length])].sort((a, b) =>
        a - b
      );
      let from = 0;
      const out: Uint8Array[] = [];
      for (const at of places) {
        out.push(searcher.push(whole.slice(from, at)));
        from = at;
        if (ends.includes(at)) assert.equal(concatAll(out).length, at);
      }
      out.push(searcher.flush());
      const expected = messages.map((message) => text(framed(message.replaceAll(VALUE, TOKEN)))).join("");
      assert.equal(text(concatAll(out)), expected);
    }),
  );
});

const TYPES: readonly [type: string, isGrpc: boolean][] = [
  ["application/grpc", true],
  ["application/grpc+proto", true],
  ["Application/gRPC; charset=utf-8", true],
  ["application/grpc-web+proto", true],
  // Its messages are base64.
  ["application/grpc-web-text", false],
  ["application/grpcish", false],
  ["application/json", false],
];
for (const [type, expected] of TYPES) {
  Deno.test(`isGrpc() says ${expected} of ${type}`, () => {
    assert.equal(isGrpc([{ name: "Content-Type", lower: "content-type", value: type }]), expected);
  });
}
