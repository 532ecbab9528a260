import assert from "node:assert/strict";
import fc from "fast-check";
import { matchesRef, parseRefPattern, parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { findAmbiguousGlobs } from "./ambiguous_globs.ts";

const TABLE: [patterns: string[], pairs: [first: number, second: number][]][] = [
  [["a/*", "a/**"], [[0, 1]]],
  [["a/*", "a/*/c"], []],
  [["a/**", "a/*/c"], [[0, 1]]],
  [["a/*-ro", "a/*-rw"], []],
  [["a/*-ro", "a/*o"], [[0, 1]]],
  [["a/b*", "a/*"], []],
  [["a/b", "a/*"], []],
  [["**", "*/b"], [[0, 1]]],
  [["**/x", "**/y"], []],
  [["**/x/**", "**/y/**"], [[0, 1]]],
  [["*/b", "*/c", "*/b/**"], [[0, 2]]],
];
for (const [patterns, pairs] of TABLE) {
  Deno.test(`findAmbiguousGlobs() finds ${JSON.stringify(pairs)} in ${patterns.join(" ")}`, () => {
    assert.deepEqual(
      findAmbiguousGlobs(patterns.map(parseRefPattern)),
      pairs.map(([first, second]) => ({ first, second })),
    );
  });
}

Deno.test("findAmbiguousGlobs() finds any two globs from the start on that match one ref", () => {
  const segment = fc.array(fc.constantFrom("a", "b", "*"), { minLength: 1, maxLength: 3 }).map((parts) =>
    parts.join("")
  )
    .filter((text) => !text.includes("**"));
  const glob = fc.array(fc.oneof(segment, fc.constant("**")), { minLength: 1, maxLength: 3 }).map((parts) =>
    parts.join("/")
  ).filter((text) => text.startsWith("*"));
  const name = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""));
  const ref = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(glob, glob, ref, (one, other, text) => {
      const [a, b, wanted] = [parseRefPattern(one), parseRefPattern(other), parseResourceRef(text)];
      if (!matchesRef(a, wanted) || !matchesRef(b, wanted)) return;
      assert.equal(findAmbiguousGlobs([a, b]).length, 1, `${a} ${b} ${text}`);
    }),
    { numRuns: 3000 },
  );
});
