import assert from "node:assert/strict";
import { REQUIREMENTS } from "./requirements.ts";
import { ROOT } from "./support/kz.ts";

/** Their own tables name ids without testing them. */
const NOT_CITING = new Set(["tests/requirements.ts", "tests/requirements_test.ts"]);

/** Each id that a source cites: in a string (a test's name), or in a comment `requirement: …`. */
function citations(source: string): Set<string> {
  const found = new Set<string>();
  for (const line of source.split("\n")) {
    const listed = /\/\/ requirement: (.*)$/.exec(line)?.[1] ?? "";
    for (const [id] of listed.matchAll(/\b[FPS]-\d+\.\d+\b|\bTM-\d+\b/g)) found.add(id);
    for (const [, text] of line.matchAll(/["'`]([^"'`]*)/g)) {
      for (const [, id] of text!.matchAll(/\[([FPS]-\d+\.\d+)\]/g)) found.add(id!);
      for (const [id] of text!.matchAll(/\bTM-\d+\b/g)) found.add(id);
    }
  }
  return found;
}

async function* tests(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* tests(path);
    else if (entry.name.endsWith("_test.ts") && !NOT_CITING.has(path)) yield path;
  }
}

/** Which tests cite each id. */
async function allCitations(): Promise<Map<string, string[]>> {
  const all = new Map<string, string[]>();
  for (const folder of ["policy", "providers", "proxy", "cli", "scripts", "tests"]) {
    for await (const path of tests(folder)) {
      for (const id of citations(await Deno.readTextFile(ROOT + path))) all.set(id, [...all.get(id) ?? [], path]);
    }
  }
  return all;
}

Deno.test("every covered requirement is cited by a test", async () => {
  const cited = await allCitations();
  const missing = REQUIREMENTS.filter(({ id, status }) => status === "covered" && !cited.has(id));
  assert.deepEqual(missing.map(({ id, text }) => `${id} ${text}`), []);
});

Deno.test("every cited id is a requirement", async () => {
  const known = new Set(REQUIREMENTS.map(({ id }) => id));
  const unknown = [...await allCitations()].filter(([id]) => !known.has(id));
  assert.deepEqual(unknown, []);
});

Deno.test("every requirement has one entry, and every threat has one", () => {
  const ids = REQUIREMENTS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (let number = 1; number <= 42; number++) assert.ok(ids.includes(`TM-${String(number).padStart(2, "0")}`));
});

const table: [why: string, source: string, ids: string[]][] = [
  ["a name that begins with a threat", 'Deno.test("TM-08 the target decides", fn);', ["TM-08"]],
  ["a template", "Deno.test(`TM-18 refuses ${why}`, fn);", ["TM-18"]],
  ["a name that ends with an id", 'Deno.test("kz run relays signals [F-4.4]", fn);', ["F-4.4"]],
  ["two ids of the server", 'Deno.test("an agent fetches [S-5.6] [S-5.10]", fn);', ["S-5.6", "S-5.10"]],
  ["a comment", "// requirement: F-9.7, TM-30", ["F-9.7", "TM-30"]],
  ["nothing in other comments", "// TM-08 is elsewhere, as is [F-4.4]", []],
  ["nothing in other text", 'Deno.test("F-4.4 without brackets", fn);', []],
];
for (const [why, source, ids] of table) {
  Deno.test(`citations() finds ${why}`, () => assert.deepEqual([...citations(source)], ids));
}
