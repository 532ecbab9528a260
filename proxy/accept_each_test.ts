import assert from "node:assert/strict";
import { acceptEach } from "./accept_each.ts";

Deno.test("TM-24 acceptEach() goes on after descriptors had run out, and ends with its listener", async () => {
  const steps: (string | Error)[] = [
    "first",
    Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" }),
    new Deno.errors.ConnectionAborted(),
    "second",
    new Deno.errors.BadResource(),
    "never",
  ];
  const used: string[] = [];
  const accept = async () => {
    const step = await Promise.resolve(steps.shift());
    if (typeof step === "string") return step;
    throw step;
  };
  await acceptEach({ accept }, (conn) => used.push(conn));
  assert.deepEqual(used, ["first", "second"]);
});
