import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { HeldBytes } from "./read_body.ts";

function refused(code: string, use: () => void): void {
  assert.throws(use, (error: unknown) => error instanceof Denial && error.code === code);
}

Deno.test("TM-38 HeldBytes leaves room for others, whatever one address sends", () => {
  const held = new HeldBytes({ heldBytes: 100, heldBytesOfAddress: 40 });
  using one = held.lease("192.0.2.1");
  one.grow(30);
  {
    using another = held.lease("::ffff:192.0.2.1");
    another.grow(10);
    refused("TOO_MANY_REQUESTS", () => another.grow(1));
  }
  one.grow(10);
  refused("TOO_MANY_REQUESTS", () => one.grow(1));
  using second = held.lease("192.0.2.2");
  second.grow(40);
  using third = held.lease("192.0.2.3");
  third.grow(20);
  refused("OVERLOADED", () => third.grow(1));
  assert.equal(held.held, 100);
});

Deno.test("HeldBytes is given back once", () => {
  const held = new HeldBytes({ heldBytes: 100, heldBytesOfAddress: 40 });
  const lease = held.lease("192.0.2.1");
  lease.grow(40);
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  assert.equal(held.held, 0);
  using next = held.lease("192.0.2.1");
  next.grow(40);
});
