import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../../proxy/http/latin1.ts";
import type { FuzzTarget } from "./fuzz_target.ts";
import { findingOf, runTarget } from "./run_target.ts";
import { TARGETS } from "./targets.ts";

// requirement: P-8.1

/** Enough to notice a target that fails at once; `deno task fuzz` goes deeper. */
const EXECUTIONS = 3_000;
/** Some targets write files. */
const MAX_MS = 6_000;
const SEED = 1;

for (const target of TARGETS) {
  Deno.test(`fuzzing ${target.name} finds nothing in its first inputs`, async () => {
    const { failure, executions, accepted } = await runTarget(target, {
      seed: SEED,
      ms: MAX_MS,
      executions: EXECUTIONS,
    });
    assert.equal(failure?.error, undefined, failure && `input ${failure.input.toHex()}`);
    assert.ok(executions > 100 && accepted > 0);
  });
}

const planted: FuzzTarget = {
  name: "planted",
  inputs: fc.constantFrom("", "hello world").map(encodeLatin1),
  dictionary: ["BUG"],
  check(input) {
    const text = decodeLatin1(input);
    if (/B.?U.?G/.test(text) && text.includes("hello")) throw new Error("planted");
    return text.includes("hello");
  },
};

Deno.test("runTarget() finds a planted fault and makes its input small", async () => {
  const { failure, accepted } = await runTarget(planted, { seed: SEED, ms: 20_000, executions: 1_000_000 });
  assert.ok(failure?.error instanceof Error && failure.error.message === "planted");
  assert.equal(failure.input.length, "helloBUG".length);
  assert.ok(accepted > 0);
});

Deno.test("runTarget() does the same for the same seed", async () => {
  const seen: string[][] = [[], [], []];
  for (const [at, seed] of [SEED, SEED, SEED + 1].entries()) {
    const target = { ...planted, check: (input: Uint8Array) => seen[at]!.push(input.toHex()) > 0 };
    await runTarget(target, { seed, ms: 20_000, executions: 500 });
  }
  assert.deepEqual(seen[0], seen[1]);
  assert.notDeepEqual(seen[0], seen[2]);
});

Deno.test("findingOf() tells whether an input fails", async () => {
  assert.equal(await findingOf(planted, encodeLatin1("hello")), undefined);
  assert.ok(await findingOf(planted, encodeLatin1("hello BUG")) instanceof Error);
});
