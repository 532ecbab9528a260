import assert from "node:assert/strict";
import { type LineState, MAX_VALUE_BYTES, SecretLine } from "./secret_line.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Presses keys in one go and gives the state and the line. */
function press(keys: string | Uint8Array): [LineState, string] {
  using line = new SecretLine();
  const state = line.press(typeof keys === "string" ? bytes(keys) : keys);
  return [state, new TextDecoder().decode(line.take())];
}

const TABLE: [why: string, keys: string, state: LineState, text: string][] = [
  ["letters", "abc", "open", "abc"],
  ["Return", "abc\r", "done", "abc"],
  ["a line feed", "abc\n", "done", "abc"],
  ["a line break of Windows", "abc\r\n", "done", "abc"],
  ["Return at once", "\r", "done", ""],
  ["several lines", "abc\rdef", "multiline", "abc"],
  ["several lines of Windows", "abc\r\ndef\r\n", "multiline", "abc"],
  ["two line breaks", "abc\n\n", "multiline", "abc"],
  ["Backspace", "abc\x7f\x7fx", "open", "ax"],
  ["the other Backspace", "ab\x08", "open", "a"],
  ["Backspace on nothing", "\x7f\x7fa", "open", "a"],
  ["Backspace on a letter of four bytes", "a😀\x7f", "open", "a"],
  ["Backspace on a letter of two bytes", "aé\x7fb", "open", "ab"],
  ["Ctrl-U", "abc\x15d", "open", "d"],
  ["Ctrl-C", "abc\x03def\r", "cancelled", "abc"],
  ["Ctrl-D on nothing", "\x04", "closed", ""],
  ["Ctrl-D after letters", "abc\x04", "done", "abc"],
  ["Ctrl-D after all was taken back", "a\x7f\x04", "closed", ""],
  ["a tab, which is text", "a\tb", "open", "a\tb"],
  ["other control keys, which are not", "a\x01\x1a\x00b", "open", "ab"],
  ["an arrow", "a\x1b[Db", "open", "ab"],
  ["a function key", "a\x1bOPb\x1b[15~c", "open", "abc"],
  ["a paste between brackets", "\x1b[200~abc\x1b[201~\r", "done", "abc"],
  ["Alt and a letter", "a\x1bxb", "open", "ab"],
  ["Ctrl-C after Escape", "a\x1b\x03", "cancelled", "a"],
  ["letters of every length", "aé€😀\r", "done", "aé€😀"],
];
for (const [why, keys, state, text] of TABLE) {
  Deno.test(`SecretLine.press() understands ${why}`, () => assert.deepEqual(press(keys), [state, text]));
  Deno.test(`SecretLine.press() understands ${why}, byte by byte`, () => {
    using line = new SecretLine();
    let last: LineState = "open";
    for (const byte of bytes(keys)) {
      last = line.press(new Uint8Array([byte]));
      if (last !== "open") break;
    }
    // What follows a line is seen only if it comes with it.
    assert.equal(last, state === "multiline" ? "done" : state);
    assert.equal(new TextDecoder().decode(line.take()), text);
  });
}

Deno.test("SecretLine.press() takes 64 KiB and no byte more", () => {
  assert.equal(press("a".repeat(MAX_VALUE_BYTES) + "\r")[0], "done");
  assert.equal(press("a".repeat(MAX_VALUE_BYTES + 1) + "\r")[0], "too long");
});

Deno.test("SecretLine clears the keys it was given, and its own bytes when its scope ends", () => {
  const keys = bytes("canary\rmore");
  const line = new SecretLine();
  line.press(keys);
  assert.deepEqual(keys, new Uint8Array(keys.length));
  line[Symbol.dispose]();
  assert.equal(line.take().length, 0);
  assert.ok(!Deno.inspect(line).includes("canary"));
});
