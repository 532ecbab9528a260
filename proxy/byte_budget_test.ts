import assert from "node:assert/strict";
import { ByteBudget } from "./byte_budget.ts";
import { Refusal } from "./refusal.ts";

Deno.test("ByteBudget gives out all of its bytes, and not one more", () => {
  const budget = new ByteBudget(10);
  using first = budget.lease();
  using second = budget.lease();
  first.grow(6);
  second.grow(4);
  assert.throws(() => second.grow(1), (error) => error instanceof Refusal && error.status === 503);
  assert.equal(budget.taken, 10);
});

Deno.test("ByteBudget gets back what a lease held, once", () => {
  const budget = new ByteBudget(10);
  const lease = budget.lease();
  lease.grow(3);
  lease.grow(7);
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  assert.equal(budget.taken, 0);
  using next = budget.lease();
  next.grow(10);
});
