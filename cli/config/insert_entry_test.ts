import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { isTable } from "./field.ts";
import { insertEntry } from "./insert_entry.ts";

const ENTRY = { table: ["secrets"], key: "NEW", value: '{ ref = "x" }' };
const LINE = 'NEW = { ref = "x" }';

const TABLE: [why: string, before: string, after: string][] = [
  ["an empty file", "", `[secrets]\n${LINE}\n`],
  ["after the last key", "[secrets]\nA = 1 # about A\n\n[blind]\n", `[secrets]\nA = 1 # about A\n${LINE}\n\n[blind]\n`],
  [
    "after a key of several lines",
    "[secrets]\nA = [\n 1,\n]\nx.y = 1\n",
    `[secrets]\nA = [\n 1,\n]\nx.y = 1\n${LINE}\n`,
  ],
  ["without a line break at the end", "[secrets]\nA = 1", `[secrets]\nA = 1\n${LINE}\n`],
  ["into an empty table", "[secrets]\n[blind]\n", `[secrets]\n${LINE}\n[blind]\n`],
  [
    "below the comments of an empty table",
    "[secrets]\n# A = 1\n\n# b\n[blind]\n",
    `[secrets]\n# A = 1\n${LINE}\n\n# b\n[blind]\n`,
  ],
  ["a new table at the end", "# top\n[blind]\n", `# top\n[blind]\n\n[secrets]\n${LINE}\n`],
  ["a new table after a last line without break", "[blind]", `[blind]\n\n[secrets]\n${LINE}\n`],
  ["beside tables of single secrets", "[secrets.A]\nb = 1\n", `[secrets.A]\nb = 1\n\n[secrets]\n${LINE}\n`],
  ["with line breaks of Windows", "[secrets]\r\nA = 1\r\n", `[secrets]\r\nA = 1\r\n${LINE}\r\n`],
  ["with spaces that stay", "  [ secrets ]\n\tA=1  \n", `  [ secrets ]\n\tA=1  \n${LINE}\n`],
];
for (const [why, before, after] of TABLE) {
  Deno.test(`insertEntry() adds a line: ${why} [F-5.10]`, () => assert.equal(insertEntry(before, ENTRY), after));
}

Deno.test("insertEntry() adds to the table of an environment [F-5.10]", () => {
  const before = "[secrets]\nA = 1\n[production.secrets]\nB = 1\n";
  assert.equal(insertEntry(before, { ...ENTRY, table: ["production", "secrets"] }), `${before}${LINE}\n`);
});

const REFUSED: [why: string, text: string, code: string][] = [
  ["a key that is there", '[secrets]\nNEW = "x"', "CONFIG_EXISTS"],
  ["a key that is a table", "[secrets.NEW]", "CONFIG_EXISTS"],
  ["a table in a line", "secrets = { A = 1 }", "CONFIG_NOT_EDITED"],
  ["a table of dotted keys", "secrets.A = 1", "CONFIG_NOT_EDITED"],
  ["a value where the table would be", "secrets = 1", "CONFIG_NOT_EDITED"],
];
for (const [why, text, code] of REFUSED) {
  Deno.test(`insertEntry() refuses ${why}`, () => assert.throws(() => insertEntry(text, ENTRY), { code }));
}

Deno.test("insertEntry() changes nothing else, or refuses [F-5.10]", () => {
  const line = fc.constantFrom(
    ...[
      "",
      "# note",
      "[secrets]",
      "[a]",
      "[[b]]",
      "[secrets.S]",
      "[production.secrets]",
      "A = 1",
      "B = { c = 1 }",
      "C = [",
      "1,",
      "]",
    ],
    ...['D = """', '"""', "[secrets] # x", "  E = 2"],
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.constantFrom("\n", "\r\n"), (lines, eol) => {
      const text = lines.join(eol);
      let before: Record<string, unknown>;
      try {
        before = parse(text);
      } catch {
        return;
      }
      let edited: string;
      try {
        edited = insertEntry(text, ENTRY);
      } catch {
        return;
      }
      assert.equal(edited.split(/\r?\n/).filter((each) => each === LINE).length, 1);
      const { secrets, ...after } = parse(edited);
      const { secrets: known, ...others } = before;
      assert.deepEqual(after, others);
      assert.ok(isTable(secrets));
      const { NEW: _, ...kept } = secrets;
      assert.deepEqual(kept, isTable(known) ? { ...known } : {});
      // Every line that was there is there, in the same order.
      const left = edited.split(/\r?\n/);
      for (const each of text === "" ? [] : text.split(/\r?\n/)) {
        assert.ok(left.includes(each), each);
        left.splice(0, left.indexOf(each) + 1);
      }
    }),
    { numRuns: 1_000 },
  );
});
