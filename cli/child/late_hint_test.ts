import assert from "node:assert/strict";
import { EARLY_END_MS, lateHint } from "./late_hint.ts";

const START = "Use --keep-env NAME if the program needs a variable that it did not get: ";
const names = (count: number) => Array.from({ length: count }, (_, index) => `V${index}`);

const cases: readonly [
  why: string,
  withheld: readonly string[],
  end: [number, number],
  expected: string | undefined,
][] = [
  ["names one variable", ["AWS_PROFILE"], [1, 5], `${START}AWS_PROFILE`],
  ["sorts the names", ["B", "A"], [1, 5], `${START}A, B`],
  ["lists eight", names(8), [1, 5], `${START}V0, V1, V2, V3, V4, V5, V6, V7`],
  ["counts the ninth", names(9), [1, 5], `${START}V0, V1, V2, V3, V4, V5, V6, V7, and 1 more`],
  ["counts a name that is not plain", ["A", "X\u001b[2J"], [1, 5], `${START}A, and 1 more`],
  ["is silent after success", ["A"], [0, 5], undefined],
  ["is silent when nothing was withheld", [], [1, 5], undefined],
  ["speaks just before ten seconds", ["A"], [1, EARLY_END_MS - 1], `${START}A`],
  ["is silent at ten seconds", ["A"], [1, EARLY_END_MS], undefined],
  ["is silent after Ctrl-C", ["A"], [130, 5], undefined],
  ["is silent when the reader went away", ["A"], [141, 5], undefined],
  ["speaks after a crash", ["A"], [139, 5], `${START}A`],
];

for (const [why, withheld, [status, durationMs], expected] of cases) {
  Deno.test(`lateHint() ${why}`, () => {
    assert.equal(lateHint(withheld, { status, durationMs }), expected);
  });
}
