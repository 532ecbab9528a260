import assert from "node:assert/strict";
import { parseDotenv } from "./dotenv_parse.ts";

const READ: readonly [why: string, text: string, values: Record<string, string>][] = [
  ["nothing", "", {}],
  ["comments and blank lines", "# a\n\n  # b\n", {}],
  ["a bare value", "A=b\nC=d", { A: "b", C: "d" }],
  ["white space around a bare value", "  A = b c  \n", { A: "b c" }],
  ["an empty value", "A=\nB=''\n", { A: "", B: "" }],
  ["export", "export A=b\n", { A: "b" }],
  ["CRLF and a byte order mark", "\ufeffA=b\r\nC=d\r\n", { A: "b", C: "d" }],
  ["a comment after a bare value", "A=b # c\nB= # c\n", { A: "b", B: "" }],
  ["equals signs in a value", "A=b=c==\n", { A: "b=c==" }],
  ["single quotes as they stand", `A='b\\n$C "#'\n`, { A: 'b\\n$C "#' }],
  ["escapes in double quotes", `A="b\\n\\t\\"\\\\\\$C" # d\n`, { A: 'b\n\t"\\$C' }],
  ["no expansion", "A=$HOME/${B}\n", { A: "$HOME/${B}" }],
  ["several lines in quotes", `A="-----BEGIN-----\nb\n-----END-----\n"\nC='d\ne'\n`, {
    A: "-----BEGIN-----\nb\n-----END-----\n",
    C: "d\ne",
  }],
  ["a name of Object's prototype", "__proto__=a\n", JSON.parse('{"__proto__":"a"}')],
];
for (const [why, text, values] of READ) {
  Deno.test(`parseDotenv() reads ${why}`, () => {
    assert.deepEqual(parseDotenv(text), { values: new Map(Object.entries(values)) });
  });
}

const REFUSED: readonly [why: string, text: string, line: number, problem: string][] = [
  ["a line without =", "A=b\ncanary\n", 2, "is not KEY=VALUE"],
  ["a name that is none", "1A=b\n", 1, "is not KEY=VALUE"],
  ["a key twice", "A=b\n\nA=c\n", 3, "gives a key a second time"],
  ["a # in a bare value", "A=b#c\n", 1, "has an unquoted value with #"],
  ["text after a closing quote", "A='b'c\n", 1, "has text after a closing quote"],
  ["an open quote", 'A=b\nB="c\nd\n', 2, "has a quote that is not closed"],
  ["an unknown escape", 'A="\\x"\n', 1, "has an escape that is not known"],
  ["a backslash before a line break", 'A="b\\\nc"\n', 1, "has an escape that is not known"],
  ["backquotes", "A=`b`\n", 1, "has a value in backquotes"],
];
for (const [why, text, line, problem] of REFUSED) {
  Deno.test(`parseDotenv() refuses ${why} and names the line only`, () => {
    assert.deepEqual(parseDotenv(text), { line, problem });
  });
}
