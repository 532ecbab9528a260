import assert from "node:assert/strict";
import { Deadline } from "./deadline.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("TM-38 Deadline tells of a limit that has passed, and not before", async () => {
  const start = performance.now();
  const passed = Promise.withResolvers<number>();
  using deadline = new Deadline(() => passed.resolve(performance.now() - start));
  using _ = deadline.within(30);
  const ms = await passed.promise;
  assert.ok(ms >= 30, `${ms}`);
});

Deno.test("TM-38 Deadline tells of a limit that is sooner than the one before it", async () => {
  let passed = 0;
  using deadline = new Deadline(() => passed++);
  deadline.within(60_000)[Symbol.dispose]();
  using _ = deadline.within(20);
  await pause(60);
  assert.equal(passed, 1);
});

Deno.test("TM-38 Deadline tells of a limit that is set while the timer of an earlier one still runs", async () => {
  let passed = 0;
  using deadline = new Deadline(() => passed++);
  deadline.within(20)[Symbol.dispose]();
  using _ = deadline.within(60);
  await pause(40);
  assert.equal(passed, 0);
  await pause(60);
  assert.equal(passed, 1);
});

Deno.test("Deadline does not tell of a limit whose scope has ended", async () => {
  let passed = 0;
  using deadline = new Deadline(() => passed++);
  deadline.within(10)[Symbol.dispose]();
  await pause(40);
  assert.equal(passed, 0);
});
