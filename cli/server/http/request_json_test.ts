import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { parseRequestJson } from "./request_json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const taken: [why: string, text: string][] = [
  ["an object", '{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":"b"}}'],
  ["strings with braces, commas and colons", '{"a":"{\\"b\\":1,[","b":"}"}'],
  ["the same string as name and value", '{"a":"a","b":"a"}'],
  ["escapes of names and values", '{"\\u0061":"\\ud83d\\ude00"}'],
  ["a scalar", " 12 "],
  ["an array that holds equal strings", '["a","a"]'],
  ["empty objects and arrays", '{"a":{},"b":[]}'],
  ["nesting to the limit", `${"[".repeat(8)}${"]".repeat(8)}`],
];
for (const [why, text] of taken) {
  Deno.test(`parseRequestJson() takes ${why} [S-4.3]`, () => {
    assert.deepEqual(parseRequestJson(bytes(text), 8), JSON.parse(text));
  });
}

const refused: [why: string, input: Uint8Array][] = [
  ["nothing", bytes("")],
  ["what is not JSON", bytes("{secret}")],
  ["a comment", bytes('{"a":1}//secret')],
  ["a trailing comma", bytes('{"a":1,}')],
  ["two values", bytes("{}{}")],
  ["a byte order mark", bytes("\ufeff{}")],
  ["a member twice", bytes('{"a":1,"a":2}')],
  ["a member twice, with one of them escaped", bytes('{"a":1,"\\u0061":2}')],
  ["a member twice in an inner object", bytes('{"b":[{"a":1,"x":{},"a":2}]}')],
  ["a member twice after an inner array", bytes('{"a":["b",{"a":1}],"a":2}')],
  ["a member __proto__", bytes('{"__proto__":{}}')],
  ["a member __proto__ with an escape", bytes('{"a":{"\\u005f_proto__":1}}')],
  ["half of a surrogate pair", bytes('{"a":"\\ud83d"}')],
  ["half of a surrogate pair in a name", bytes('{"\\udc00":1}')],
  ["bytes that are not UTF-8", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22)],
  ["a surrogate encoded in UTF-8", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
  ["nesting past the limit", bytes(`${"[".repeat(9)}${"]".repeat(9)}`)],
  ["nesting of many thousands", bytes("[".repeat(60_000) + "]".repeat(60_000))],
];
for (const [why, input] of refused) {
  Deno.test(`parseRequestJson() refuses ${why}, and does not repeat it [S-4.3]`, () => {
    assert.throws(() => parseRequestJson(input, 8), (error: unknown) => {
      assert.ok(error instanceof Denial);
      assert.equal(error.code, "REQUEST_INVALID");
      assert.ok(!`${error.detail}${error.stack}`.includes("secret"));
      return true;
    });
  });
}
