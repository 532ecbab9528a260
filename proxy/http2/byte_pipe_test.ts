import assert from "node:assert/strict";
import { BytePipe } from "./byte_pipe.ts";

const bytes = (...list: number[]) => new Uint8Array(list);

async function read(pipe: BytePipe, size: number): Promise<number[] | null> {
  const into = new Uint8Array(size);
  const count = await pipe.read(into);
  return count === null ? null : [...into.subarray(0, count)];
}

Deno.test("BytePipe gives what was written, and a write ends when all of it was read", async () => {
  const pipe = new BytePipe();
  let written = 0;
  const writing = pipe.write(bytes(1, 2, 3)).then((count) => written = count);
  assert.deepEqual(await read(pipe, 2), [1, 2]);
  assert.equal(written, 0);
  assert.deepEqual(await read(pipe, 2), [3]);
  await writing;
  assert.equal(written, 3);
});

Deno.test("BytePipe lets a reader wait for what is written later, and for the end", async () => {
  const pipe = new BytePipe();
  const first = read(pipe, 8);
  const writing = pipe.write(bytes(1));
  assert.deepEqual(await first, [1]);
  await writing;
  const last = read(pipe, 8);
  pipe.end();
  assert.equal(await last, null);
  await assert.rejects(pipe.write(bytes(2)), Deno.errors.BrokenPipe);
});

Deno.test("BytePipe that fails tells reader and writer, and one that has ended does not fail", async () => {
  const pipe = new BytePipe();
  const writing = pipe.write(bytes(1));
  pipe.fail();
  await assert.rejects(writing, Deno.errors.ConnectionReset);
  await assert.rejects(read(pipe, 1), Deno.errors.ConnectionReset);
  const ended = new BytePipe();
  const last = ended.write(bytes(1));
  ended.end();
  ended.fail();
  assert.deepEqual(await read(ended, 1), [1]);
  await last;
  assert.equal(await read(ended, 1), null);
});
