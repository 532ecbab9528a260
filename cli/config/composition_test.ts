import assert from "node:assert/strict";
import { parseSecretName, type SecretName } from "../../policy/secret_name.ts";
import { type Composition, findCycles, namesIn, parseComposition } from "./composition.ts";

const CANARY = "hunter2-canary";

const READ: [why: string, text: string, expected: (string | { secret: string })[]][] = [
  ["a name alone", "${A}", [{ secret: "A" }]],
  ["text around", "x${A}y", ["x", { secret: "A" }, "y"]],
  ["names side by side", "${A}${B}", [{ secret: "A" }, { secret: "B" }]],
  ["an escape", "$${A}${A}", ["${A}", { secret: "A" }]],
  ["a dollar sign before an escape", "$$${A}${A}", ["$${A}", { secret: "A" }]],
  ["dollar signs alone", "$1 $ {${A}", ["$1 $ {", { secret: "A" }]],
];
for (const [why, text, expected] of READ) {
  Deno.test(`parseComposition() reads ${why}`, () => assert.deepEqual(parseComposition(text), expected));
}

const REFUSED: [why: string, text: string][] = [
  ["no name", CANARY],
  ["only an escape", `$\${${CANARY}}`],
  ["an empty text", ""],
  ["an empty name", `${CANARY}\${}`],
  ["a name that is none", `\${${CANARY}}`],
  ["a brace that is not closed", `\${A ${CANARY}`],
  ["a default as in a shell", `\${A:-${CANARY}}`],
];
for (const [why, text] of REFUSED) {
  Deno.test(`parseComposition() refuses ${why}`, () => {
    assert.throws(() => parseComposition(text), (error: Error & { code?: string }) => {
      assert.equal(error.code, "CONFIG_COMPOSITION_INVALID");
      assert.ok(!error.message.includes(CANARY));
      return true;
    });
  });
}

function graph(edges: Record<string, string>): Map<SecretName, Composition> {
  return new Map(
    Object.entries(edges).map(([name, names]) => [
      parseSecretName(name),
      [...names].map((letter) => ({ secret: parseSecretName(letter) })),
    ]),
  );
}

const CYCLES: [why: string, edges: Record<string, string>, expected: string[]][] = [
  ["none in a chain", { A: "B", B: "C" }, []],
  ["none in a diamond", { A: "BC", B: "D", C: "D" }, []],
  ["one of one", { A: "A" }, ["A"]],
  ["one of three, in order", { A: "B", B: "C", C: "A" }, ["ABC"]],
  ["one that is not reached from itself", { X: "A", A: "B", B: "A" }, ["AB"]],
  ["two", { A: "B", B: "A", C: "D", D: "C" }, ["AB", "CD"]],
];
for (const [why, edges, expected] of CYCLES) {
  Deno.test(`findCycles() finds ${why}`, () => {
    assert.deepEqual(findCycles(graph(edges)).map((cycle) => cycle.join("")), expected);
  });
}

Deno.test("findCycles() follows a chain of 20,000", () => {
  const name = (index: number) => parseSecretName(`N${index}`);
  const chain = new Map<SecretName, Composition>();
  for (let index = 0; index < 20_000; index++) chain.set(name(index), [{ secret: name(index + 1) }]);
  assert.deepEqual(findCycles(chain), []);
});

Deno.test("namesIn() gives each name once", () => {
  assert.deepEqual(namesIn(parseComposition("${A}${B}${A}")), ["A", "B"]);
});
