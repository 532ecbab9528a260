import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { ServerNotes } from "./server_notes.ts";

Deno.test("ServerNotes writes what is owed, in its order, once the log can be written [S-1.6]", async () => {
  const written: (string | undefined)[] = [];
  let isFull = true;
  const notes = new ServerNotes({
    append({ detail }) {
      if (isFull) return Promise.reject(new Denial("AUDIT_UNAVAILABLE"));
      written.push(detail);
      return Promise.resolve();
    },
  });
  await notes.write({ outcome: "allowed", detail: "one" });
  await notes.write({ outcome: "denied", detail: "two" });
  assert.deepEqual(written, []);
  isFull = false;
  await notes.writeOwed();
  await notes.write({ outcome: "allowed", detail: "three" });
  assert.deepEqual(written, ["one", "two", "three"]);
});

Deno.test("ServerNotes owes so many lines at most", async () => {
  let isFull = true;
  let written = 0;
  const notes = new ServerNotes({
    append: () => isFull ? Promise.reject(new Denial("AUDIT_UNAVAILABLE")) : Promise.resolve(void written++),
  });
  for (let times = 0; times < 1000; times++) await notes.write({ outcome: "denied" });
  isFull = false;
  await notes.writeOwed();
  assert.equal(written, 64);
});
