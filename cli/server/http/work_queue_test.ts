import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { WorkQueue } from "./work_queue.ts";

const LIMITS = { active: 2, waiting: 6, waitingOfAddress: 4, waitMs: 10_000 };

async function rejects(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: unknown) => error instanceof Denial && error.code === code);
}

/** Lets what can go on go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("TM-38 WorkQueue gives turns round by address, whoever came first", async () => {
  const queue = new WorkQueue(LIMITS);
  const turns = [await queue.enter("flood"), await queue.enter("flood")];
  const order: string[] = [];
  const enter = (address: string, name: string) =>
    queue.enter(address).then((turn) => {
      order.push(name);
      turns.push(turn);
    });
  const all = [
    enter("flood", "flood 1"),
    enter("flood", "flood 2"),
    enter("flood", "flood 3"),
    enter("one", "one 1"),
    enter("other", "other 1"),
  ];
  assert.deepEqual([queue.active, queue.waiting], [2, 5]);
  for (let i = 0; i < 7; i++) {
    turns[i]![Symbol.dispose]();
    turns[i]![Symbol.dispose]();
    await settle();
  }
  await Promise.all(all);
  assert.deepEqual(order, ["flood 1", "one 1", "other 1", "flood 2", "flood 3"]);
  assert.deepEqual([queue.active, queue.waiting], [0, 0]);
});

Deno.test("TM-38 WorkQueue refuses at once when it is full, by address and over all", async () => {
  const queue = new WorkQueue(LIMITS);
  const active = [await queue.enter("a"), await queue.enter("a")];
  const waiting = [1, 2, 3, 4].map(() => queue.enter("a"));
  await rejects(queue.enter("a"), "TOO_MANY_REQUESTS");
  waiting.push(queue.enter("b"), queue.enter("c"));
  await rejects(queue.enter("d"), "OVERLOADED");
  for (const turn of active) turn[Symbol.dispose]();
  for (const turn of waiting) turn.then((turn) => turn[Symbol.dispose]());
  await Promise.all(waiting);
  await settle();
  assert.deepEqual([queue.active, queue.waiting], [0, 0]);
});

Deno.test("TM-38 WorkQueue lets nobody wait for ever", async () => {
  const queue = new WorkQueue({ ...LIMITS, waitMs: 20 });
  const active = [await queue.enter("a"), await queue.enter("a")];
  await rejects(queue.enter("b"), "OVERLOADED");
  assert.equal(queue.waiting, 0);
  for (const turn of active) turn[Symbol.dispose]();
  assert.equal(queue.active, 0);
});

Deno.test("TM-38 WorkQueue forgets a client that has gone", async () => {
  const queue = new WorkQueue(LIMITS);
  const active = [await queue.enter("a"), await queue.enter("a")];
  const client = new AbortController();
  const waiting = rejects(queue.enter("b", client.signal), "OVERLOADED");
  client.abort();
  await waiting;
  await rejects(queue.enter("b", client.signal), "OVERLOADED");
  assert.equal(queue.waiting, 0);
  for (const turn of active) turn[Symbol.dispose]();
  assert.equal(queue.active, 0);
});
