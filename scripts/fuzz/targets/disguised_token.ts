import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { refuseDisguisedBytes } from "../../../proxy/swap/disguise.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { accepted, swapContext, TOKEN } from "./secret_context.ts";

const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, "0");

/** Ways to write one character so that some server reads it as itself. */
const CHARACTERS: readonly ((char: string) => string)[] = [
  (char) => char,
  (char) => `%${hex(char)}`,
  (char) => `%${hex(char).toUpperCase()}`,
  (char) => `%25${hex(char)}`,
  (char) => `\\u00${hex(char)}`,
  (char) => `\\x${hex(char)}`,
  (char) => `&#${char.charCodeAt(0)};`,
  (char) => `&#x${hex(char)};`,
];

/** Ways to write a whole text. */
const WHOLE: readonly ((text: string) => string)[] = [
  (text) => text,
  btoa,
  (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
  (text) => Array.from(text, hex).join(""),
  (text) => Array.from(text, hex).join("").toUpperCase(),
  (text) => JSON.stringify(text),
];

/**
 * TM-05: however a token is written, it is found. The bytes of the input say how: the first which way for the whole, the
 * second how much stands before it, and the others which way for each character of a token that is not written as a whole.
 */
export const disguisedToken: FuzzTarget = {
  name: "disguised-token",
  inputs: fc.uint8Array({ minLength: 2, maxLength: 2 + TOKEN.length }).map((bytes) => new Uint8Array(bytes)),
  dictionary: [],
  check(input) {
    const [way = 0, before = 0, ...characters] = input;
    const prefix = "x".repeat(before % 7);
    const whole = way % (2 * WHOLE.length);
    const written = whole < WHOLE.length
      ? WHOLE[whole]!(prefix + TOKEN)
      : prefix + Array.from(TOKEN, (char, at) => CHARACTERS[(characters[at] ?? 0) % CHARACTERS.length]!(char)).join("");
    assert.ok(isRefused(`{"a":"${written}"}`), `not found: ${written}`);
    return true;
  },
};

function isRefused(written: string): boolean {
  let passed = false;
  accepted(() => {
    refuseDisguisedBytes(encodeLatin1(written), swapContext("header"));
    passed = true;
  });
  return !passed;
}
