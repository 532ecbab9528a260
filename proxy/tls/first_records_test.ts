import assert from "node:assert/strict";
import { FirstRecords } from "./first_records.ts";

const record = (
  type: number,
  length: number,
) => [type, 3, 3, length >> 8, length & 0xff, ...new Array<number>(length).fill(7)];
const HELLO_AND_FINISHED = Uint8Array.from([...record(22, 300), ...record(20, 1), ...record(23, 53)]);
const STREAM = Uint8Array.from([...HELLO_AND_FINISHED, ...record(23, 100)]);

Deno.test("FirstRecords finds the end of the first application_data record at every split", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const records = new FirstRecords();
    const first = records.end(STREAM.subarray(0, cut));
    const end = first ?? cut + records.end(STREAM.subarray(cut))!;
    assert.equal(end, HELLO_AND_FINISHED.length);
  }
});

Deno.test("FirstRecords waits while there is none", () => {
  assert.equal(new FirstRecords().end(STREAM.subarray(0, HELLO_AND_FINISHED.length - 1)), undefined);
});

Deno.test("FirstRecords takes an empty record for one", () => {
  assert.equal(new FirstRecords().end(Uint8Array.from([...record(23, 0), 1])), 5);
});
