import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStrictJson } from "./strict_json.ts";

const REFUSED: readonly (readonly [why: string, text: string])[] = [
  ["no JSON", "canary"],
  ["an empty text", ""],
  ["a byte order mark", "\ufeff{}"],
  ["two values", "{} {}"],
  ["a comment", "{/**/}"],
  ["a name that stands twice", '{"aud":1,"aud":1}'],
  ["a name that is spelled in two ways", '{"aud":1,"\\u0061ud":2}'],
  ["a name that stands twice after an object", '{"a":{"b":1},"c":[{"a":1}],"a":2}'],
  ["a name that stands twice further in", '{"a":[1,{"b":1,"c":2,"b":3}]}'],
  ["a name that stands twice over lines", '{"a" : 1 ,\n"a"\t: 2}'],
  ["the name __proto__", '{"__proto__":{"sub":"x"}}'],
  ["a disguised __proto__", '{"\\u005f_proto__":1}'],
  ["half a character", '{"sub":"\\ud800"}'],
  ["half a character in a name", '{"\\udc00":1}'],
  ["a number without end", '{"exp":1e400}'],
  ["a number that would be rounded", '{"uid":9007199254740993}'],
  ["a negative number that would be rounded", "[-9007199254740992]"],
  ["a number that would be rounded, with a fraction", '{"uid":9007199254740993.0}'],
  ["a number that would be rounded, with an exponent", '{"uid":9.007199254740993e15}'],
  ["a whole number that is held, and is beyond those that all are", "1e16"],
  ["a number that would be rounded to a whole one", '{"level":0.99999999999999999999}'],
  ["a number that would be rounded to nothing", '{"level":1e-400}'],
  ["a number of many digits", `1.${"0".repeat(63)}`],
  ["deep lists", "[".repeat(33) + "]".repeat(33)],
];
for (const [why, text] of REFUSED) {
  Deno.test(`TM-33 parseStrictJson() refuses ${why}`, () => {
    assert.throws(() => parseStrictJson(text), (error) => {
      assert.ok(error instanceof SyntaxError && error.message.startsWith("Cannot read JSON: "));
      assert.ok(!error.message.includes("canary"));
      return true;
    });
  });
}

const ACCEPTED: readonly string[] = [
  "{}",
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
  '{"a":"b","b":"a","c":"\\"a\\":1,\\"a\\":2"}',
  '{"a":"{\\"x\\":1","b":"]"}',
  '["a","a",{"a":["a","a"]}]',
  '{"":1}',
  "[9007199254740991,-9007199254740991,1.5,1e3,-0,true,false,null]",
  "[1.0,-2.50e1,900719925474099.1e1,90071992547409910e-1,0e999999999,-0.000,1E-7,5e-324]",
  '"\\ud83d\\ude00"',
  "[".repeat(32) + "]".repeat(32),
];
for (const text of ACCEPTED) {
  Deno.test(`parseStrictJson() reads ${text.slice(0, 40)} as JSON.parse() does`, () => {
    assert.deepEqual(parseStrictJson(text), JSON.parse(text));
  });
}

Deno.test("parseStrictJson() reads what JSON.stringify() writes", () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(fc.property(value, fc.nat(2), (value, indent) => {
    const text = JSON.stringify(value, undefined, indent);
    if (/"__proto__"/.test(text) || /\d{16}|e\+|\\ud[89a-f]/.test(text)) return;
    assert.deepEqual(parseStrictJson(text, { maxDepth: 100 }), JSON.parse(text));
  }));
});

Deno.test("TM-24 parseStrictJson() takes time in proportion to the text", () => {
  const text = `{"a":"${'\\"'.repeat(100_000)}","b":[${"1,".repeat(50_000)}1]}`;
  const began = performance.now();
  parseStrictJson(text);
  assert.ok(performance.now() - began < 2_000);
});
