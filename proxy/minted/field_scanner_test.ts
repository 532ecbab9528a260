import assert from "node:assert/strict";
import { FieldNames } from "./field_names.ts";
import { FieldScanner } from "./field_scanner.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const CASES: readonly (readonly [why: string, syntax: "json" | "xml", input: string, output: string])[] = [
  ["a member", "json", '{"access_token":"a","b":1}', '{"access_token":"[access_token a]","b":1}'],
  ["white space", "json", '{ "access_token"\n:\t"a" }', '{ "access_token"\n:\t"[access_token a]" }'],
  ["escapes", "json", '{"id_token":"a\\"\\/\\u0062"}', '{"id_token":"[id_token a"/b]"}'],
  ["characters of several bytes", "json", '{"id_token":"ü€"}', '{"id_token":"[id_token ü€]"}'],
  ["what is no escape", "json", '{"id_token":"a\\x"}', '{"id_token":"[id_token a\\x]"}'],
  [
    "two members",
    "json",
    '{"accessToken":"a","refreshToken":"b"}',
    '{"accessToken":"[accessToken a]","refreshToken":"[refreshToken b]"}',
  ],
  ["a member that is cut off", "json", '{"access_token":"a', '{"access_token":"[access_token a]'],
  ["a value of another kind", "json", '{"access_token":["a"],"x":"b"}', '{"access_token":["a"],"x":"b"}'],
  ["a name as a value", "json", '["access_token","a"]', '["access_token","a"]'],
  ["a name within a string", "json", '{"x":"\\"access_token\\":\\"a\\""}', '{"x":"\\"access_token\\":\\"a\\""}'],
  ["a longer name", "json", '{"my_access_token":"a"}', '{"my_access_token":"a"}'],
  [
    "a token before its expiry",
    "json",
    '{"token":"a","n":{"b":[]},"expires_at":1}',
    '{"token":"[token a]","n":{"b":[]},"expires_at":1}',
  ],
  ["a token with no expiry", "json", '[{"token":"a"},{"expires_at":1}]', '[{"token":"a"},{"expires_at":1}]'],
  ["an expiry in a string", "json", '{"token":"a","x":"\\"expires_at\\":"}', '{"token":"a","x":"\\"expires_at\\":"}'],
  ["an element", "xml", "<r><id_token>a</id_token></r>", "<r><id_token>[id_token a]</id_token></r>"],
  [
    "an element with a namespace",
    "xml",
    "<x:id_token a='b' >\n a</x:id_token>",
    "<x:id_token a='b' >\n [id_token a]</x:id_token>",
  ],
  ["a section", "xml", "<id_token><![CDATA[a]]></id_token>", "<id_token><![CDATA[[id_token a]]]></id_token>"],
  ["an element that is empty", "xml", "<id_token/><id_token></id_token>b", "<id_token/><id_token></id_token>b"],
  ["an element with others", "xml", "<id_token><a>b</a></id_token>", "<id_token><a>b</a></id_token>"],
  [
    "text about one",
    "xml",
    "<p>put <access_token> here, and <b>there</b></p>",
    "<p>put <access_token> here, and <b>there</b></p>",
  ],
  ["a longer name", "xml", "<id_tokens>a</id_tokens>", "<id_tokens>a</id_tokens>"],
];

for (const [why, syntax, input, output] of CASES) {
  Deno.test(`TM-06 FieldScanner reads ${why} in ${syntax}, wherever the body is cut`, () => {
    const bytes = utf8(input);
    const scan = (...parts: readonly Uint8Array[]) => {
      const mint = (field: string, value: string) => value === "" ? undefined : `[${field} ${value}]`;
      const scanner = new FieldScanner(FieldNames.default, syntax, mint);
      return [...parts.map((part) => text2(scanner.push(part))), text2(scanner.flush())].join("");
    };
    const text2 = (part: Uint8Array) => String.fromCharCode(...part);
    const expected = text2(utf8(output));
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.equal(scan(bytes.slice(0, cut), bytes.slice(cut)), expected, `cut at ${cut}`);
    }
    assert.equal(scan(...Array.from(bytes, (byte) => Uint8Array.of(byte))), expected);
  });
}

Deno.test("FieldScanner holds nothing back but what may be a field", () => {
  const scanner = new FieldScanner(FieldNames.default, "json", () => "x");
  for (const part of ['{"a":1}\n', '{"token":"a"}\n', '{"id":"b", "access_token": null}']) {
    assert.equal(text(scanner.push(utf8(part))), part);
  }
  assert.equal(text(scanner.push(utf8('{"a":1,"access_token":"b'))), '{"a":1,');
});

Deno.test("FieldScanner lets a large object with some token in it go on", () => {
  const scanner = new FieldScanner(FieldNames.default, "json", () => "x");
  const long = `{"token":"a","list":[${"1,".repeat(40_000)}`;
  assert.equal(text(scanner.push(utf8(long))) + text(scanner.push(utf8("1]}"))) + text(scanner.flush()), `${long}1]}`);
});

Deno.test("FieldNames.of() joins what secrets say", () => {
  assert.equal(FieldNames.of([[]]), undefined);
  assert.equal(FieldNames.of([undefined, []]), FieldNames.default);
  const [own, joined] = [FieldNames.of([["session_key"], []]), FieldNames.of([["session_key"], undefined])];
  assert.deepEqual([own?.has("session_key"), own?.has("id_token")], [true, false]);
  assert.deepEqual([joined?.has("session_key"), joined?.has("id_token")], [true, true]);
});
