import assert from "node:assert/strict";
import { indexLines } from "./find_line.ts";
import type { KeyPath } from "./key_path.ts";

const TEXT = `# a comment
[secrets]
A = { provider = "env", ref = "a" }
"B" = { provider = "env", hosts = [
  "one.example",
  "two.example",
] }

[secrets.C]
ref = "c"
[production.secrets]
A.ref = "b"

[[blind.connections]]
allow = true
[[blind.connections]]
allow = false
`;

const TABLE: [path: KeyPath, line: number | undefined][] = [
  [["secrets"], 2],
  [["secrets", "A"], 3],
  [["secrets", "A", "ref"], 3],
  [["secrets", "A", "hosts"], 3],
  [["secrets", "B", "hosts", 1], 6],
  [["secrets", "C"], 9],
  [["secrets", "C", "ref"], 10],
  [["production"], 11],
  [["production", "secrets", "A"], 12],
  [["blind"], 14],
  [["blind", "connections", 1], 16],
  [["blind", "connections", 1, "allow"], 17],
  [["blind", "connections", 1, "host"], 16],
  [["nothing"], undefined],
  [[], undefined],
];
for (const [path, line] of TABLE) {
  Deno.test(`indexLines() finds ${JSON.stringify(path)} in line ${line}`, () => {
    assert.equal(indexLines(TEXT).find(path), line);
  });
}

Deno.test("indexLines() finds nothing in what it cannot parse", () => {
  assert.equal(indexLines("= =").find(["a"]), undefined);
});
