import assert from "node:assert/strict";
import { RecentResults } from "./recent_results.ts";

Deno.test("TM-24 RecentResults holds a number of results, the least recently used out first [S-2.4]", () => {
  const recent = new RecentResults<number>({ entries: 3, characters: 1000 });
  for (const key of ["a", "b", "c"]) recent.set(key, 1, 1);
  recent.get("a");
  recent.set("d", 1, 1);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => recent.get(key) !== undefined), [true, false, true, true]);
});

Deno.test("TM-24 RecentResults holds results of so much text [S-2.4]", () => {
  const recent = new RecentResults<number>({ entries: 100, characters: 10 });
  for (const key of ["a", "b", "c"]) recent.set(key, 1, 4);
  assert.equal(recent.size, 2);
  // Set again, one counts once; deleted, it does not.
  for (let round = 0; round < 9; round++) recent.set("c", 2, 4);
  assert.equal(recent.size, 2);
  recent.delete("b");
  recent.set("d", 1, 4);
  assert.equal(recent.size, 2);
  recent.set("huge", 1, 11);
  assert.equal(recent.size, 0);
});

Deno.test("TM-24 RecentResults of its own size holds 10,000", () => {
  const recent = new RecentResults<number>();
  for (let index = 0; index < 10_500; index++) recent.set(`${index}`, index, 100);
  assert.equal(recent.size, 10_000);
  assert.equal(recent.get("0"), undefined);
  assert.equal(recent.get("10499"), 10_499);
});
