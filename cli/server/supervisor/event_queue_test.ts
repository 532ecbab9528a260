import assert from "node:assert/strict";
import { EventQueue } from "./event_queue.ts";

Deno.test("EventQueue gives what happened in its order, and what waits already once [S-1.6]", async () => {
  const queue = new EventQueue<string>();
  for (let times = 0; times < 1000; times++) {
    queue.push("reload");
    queue.push("changed");
  }
  queue.push("end");
  assert.deepEqual([await queue.next(), await queue.next(), await queue.next()], ["reload", "changed", "end"]);
  const later = queue.next();
  queue.push("reload");
  assert.equal(await later, "reload");
});
