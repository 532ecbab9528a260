import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { parseToml } from "./parse_toml.ts";

const CANARY = "hunter2-canary";
const read = (text: string) => parseToml({ path: "/p/.keyzero.toml", label: ".keyzero.toml", text });

const REFUSED: [why: string, text: string, message: string][] = [
  ["text without quotation marks", `a = ${CANARY}`, ":1:5: this is no value of TOML; text needs quotation marks"],
  ["a key twice", `a = "${CANARY}"\na = 1`, ":2:1: this key is defined twice"],
  ["a table twice", `[a]\n[a]\nb = "${CANARY}"`, ":2:2: this key is defined twice"],
  ["a key twice in a table in a line", `a = { b = 1, b = "${CANARY}" }`, ":1:14: this key is defined twice"],
  [
    "a string that is not closed",
    `a = 1\nb = "${CANARY}\n`,
    ":2:20: a string is not closed, or holds a control character",
  ],
  ["a table that is not closed", `a = { b = "${CANARY}"`, ":1:27: a comma or the end of a table or list is missing"],
  ["a backslash", `a = "\\q ${CANARY}"`, `:1:7: a backslash needs to be doubled, or the string be put in "'"`],
  ["something else", `a = 0${CANARY.length}_ # ${CANARY}`, ": "],
  ["a line that is no declaration", CANARY, ": "],
  ["nesting without end", `a = ${"[".repeat(20_000)}`, ": "],
];
for (const [why, text, message] of REFUSED) {
  Deno.test(`parseToml() refuses ${why} and shows nothing of it [F-9.1]`, () => {
    assert.throws(() => read(text), (error) => {
      assert.ok(error instanceof AppError && error.code === "CONFIG_SYNTAX_INVALID");
      assert.match(error.message, /^Cannot read \.keyzero\.toml(?::\d+:\d+)?: /);
      assert.ok(error.message.includes(message), error.message);
      assert.ok(!Deno.inspect(error).includes(CANARY));
      assert.equal(error.cause, undefined);
      return true;
    });
  });
}

Deno.test("parseToml() keeps a key called __proto__ a key", () => {
  const document = read("[__proto__]\nx = 1");
  assert.deepEqual(Object.keys(document), ["__proto__"]);
  assert.equal(Object.hasOwn({}, "x"), false);
});
