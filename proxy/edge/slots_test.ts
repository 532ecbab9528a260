import assert from "node:assert/strict";
import { Slots } from "./slots.ts";
import { isDenial } from "./testing/fetch_lab.ts";

Deno.test("TM-38 Slots runs as much as it may, lets as much wait, and refuses the rest at once", async () => {
  const slots = new Slots({ running: 2, waiting: 1 });
  const first = await slots.enter();
  using _second = await slots.enter();
  let isIn = false;
  const third = slots.enter().then((slot) => {
    isIn = true;
    return slot;
  });
  await assert.rejects(slots.enter(), isDenial("OVERLOADED"));
  assert.equal(isIn, false);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using _third = await third;
  const fourth = slots.enter();
  await assert.rejects(slots.enter(), isDenial("OVERLOADED"));
  _second[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
});

Deno.test("Slots serves in order", async () => {
  const slots = new Slots({ running: 1, waiting: 10 });
  const order: number[] = [];
  await Promise.all([1, 2, 3, 4].map(async (number) => {
    using _slot = await slots.enter();
    order.push(number);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }));
  assert.deepEqual(order, [1, 2, 3, 4]);
});

Deno.test("Slots that closes lets those end that wait, and takes no more", async () => {
  const slots = new Slots({ running: 1, waiting: 1 });
  const running = await slots.enter();
  const waiting = slots.enter();
  let isClosed = false;
  const closing = slots.close().then(() => isClosed = true);
  await assert.rejects(slots.enter(), isDenial("OVERLOADED", /ending/));
  running[Symbol.dispose]();
  const last = await waiting;
  await Promise.resolve();
  assert.equal(isClosed, false);
  last[Symbol.dispose]();
  await closing;
  await new Slots({ running: 1, waiting: 1 }).close();
});
