import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { MemoryStore } from "./memory_store.ts";

Deno.test("MemoryStore forgets an entry once what it concerns has expired [S-6.3]", async () => {
  let now = 1_000;
  const store = new MemoryStore(() => now);
  await store.write("a", { upTo: 7, keepUntil: 2_000 });
  now = 1_999;
  assert.equal(await store.read("a"), 7);
  now = 2_000;
  assert.equal(await store.read("a"), undefined);
  assert.equal(store.size, 0);
});

Deno.test("MemoryStore lets no entry be shortened or weakened by a later one [S-6.3]", async () => {
  let now = 0;
  const store = new MemoryStore(() => now);
  await store.write("a", { upTo: 9, keepUntil: 2_000 });
  await store.write("a", { upTo: 5, keepUntil: 10 });
  now = 1_000;
  assert.equal(await store.read("a"), 9);
});

Deno.test("TM-38 MemoryStore is bounded: full, it refuses and keeps what it has, until entries expire [S-6.3]", async () => {
  let now = 0;
  const store = new MemoryStore(() => now, 3);
  for (const key of ["a", "b", "c"]) await store.write(key, { upTo: 1, keepUntil: key === "b" ? 5_000 : 9_000 });
  await assert.rejects(store.write("d", { upTo: 1, keepUntil: 9_000 }), isOverload);
  assert.equal(store.size, 3);
  for (const key of ["a", "b", "c"]) assert.equal(await store.read(key), 1);
  // One that is there can still reach further.
  await store.write("a", { upTo: 2, keepUntil: 9_500 });
  assert.equal(await store.read("a"), 2);
  now = 5_000;
  await store.write("d", { upTo: 1, keepUntil: 9_000 });
  assert.equal(await store.read("d"), 1);
  assert.equal(store.size, 3);
});

Deno.test("MemoryStore sweeps entries that nobody asks for [S-6.3]", async () => {
  let now = 0;
  const store = new MemoryStore(() => now);
  for (let at = 0; at < 1_000; at++) await store.write(`k${at}`, { upTo: 1, keepUntil: 50_000 });
  now = 61_000;
  await store.write("last", { upTo: 1, keepUntil: 90_000 });
  assert.equal(store.size, 1);
});

function isOverload(error: unknown): boolean {
  return error instanceof Denial && error.code === "OVERLOADED";
}
