import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { checkValue, equalBytes, MAX_VALUE_BYTES } from "./value.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

const CASES: readonly [why: string, bytes: Uint8Array, state: string | undefined][] = [
  ["one byte", utf8("a"), undefined],
  ["the longest value", new Uint8Array(MAX_VALUE_BYTES).fill(0x61), undefined],
  ["one byte more", new Uint8Array(MAX_VALUE_BYTES + 1).fill(0x61), "is longer than 65536 bytes"],
  ["no byte", new Uint8Array(), "is empty"],
  ["several lines", utf8("-----BEGIN KEY-----\nabc\n-----END KEY-----\n"), undefined],
  ["letters beyond ASCII", utf8("pässwörd 🔑 秘密"), undefined],
  ["a NUL byte", utf8("a\0b"), "holds a NUL byte, which no variable and no header can carry"],
  ["bytes that are not UTF-8", Uint8Array.of(0xff, 0xfe), "is not UTF-8 text"],
  ["UTF-8 that is cut off", utf8("é").subarray(0, 1), "is not UTF-8 text"],
];
for (const [why, bytes, state] of CASES) {
  Deno.test(`checkValue() ${state === undefined ? "accepts" : "refuses"} ${why}`, () => {
    const check = () => checkValue('secret "a" of provider "p"', "read", bytes);
    if (state === undefined) return check();
    assert.throws(check, (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "PROVIDER_VALUE_INVALID");
      assert.equal(error.message, `Cannot read secret "a" of provider "p": the value ${state}`);
      return true;
    });
  });
}

Deno.test("equalBytes() compares length and content", () => {
  assert(equalBytes(utf8("abc"), utf8("abc")));
  assert(!equalBytes(utf8("abc"), utf8("abd")));
  assert(!equalBytes(utf8("abc"), utf8("ab")));
});
