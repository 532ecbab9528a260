import assert from "node:assert/strict";
import { CLIENTS_FILE, clientsText } from "../scripts/client_matrix.ts";
import { CLIENTS } from "./support/clients/clients.ts";

// requirement: P-9.1

/** The rows of a table in Markdown, below its head. */
function rowsOf(markdown: string): string[][] {
  return markdown.split("\n").filter((line) => line.startsWith("| ")).slice(2)
    .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

Deno.test("docs/clients.md has a row for every client, in order; run `deno task clients` if it has not", async () => {
  const rows = rowsOf(await Deno.readTextFile(CLIENTS_FILE));
  assert.deepEqual(
    rows.map(([name, , what]) => [name, what]),
    CLIENTS.map(({ program, what }) => [program.name, what]),
  );
  for (const [at, { program, outcome }] of CLIENTS.entries()) {
    const [, version, , result] = rows[at]!;
    assert.ok(result === outcome || (result === "not installed" && version === ""), program.name);
  }
});

Deno.test("clientsText() writes what a client did and how it ended", () => {
  const program = { name: "curl", version: [] };
  const text = clientsText([{ program, what: "GET", version: "8.0", result: "works" }]);
  assert.deepEqual(rowsOf(text), [["curl", "8.0", "GET", "works"]]);
});
