import assert from "node:assert/strict";
import { median, percentile } from "./statistics.ts";

const medians: [values: number[], expected: number][] = [[[3], 3], [[3, 1, 2], 2], [[4, 1, 3, 2], 2.5], [[], NaN]];
for (const [values, expected] of medians) {
  Deno.test(`median() of [${values}] is ${expected}`, () => assert.equal(median(values), expected));
}

const HUNDRED = Array.from({ length: 100 }, (_, index) => index);
const percentiles: [part: number, expected: number][] = [[0, 0], [0.5, 50], [0.99, 99], [1, 99]];
for (const [part, expected] of percentiles) {
  Deno.test(`percentile() of 0 to 99 at ${part} is ${expected}`, () => {
    assert.equal(percentile(HUNDRED.toReversed(), part), expected);
  });
}
