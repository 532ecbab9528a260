import assert from "node:assert/strict";
import { runProgram } from "./program.ts";

const { signal } = new AbortController();
const POSIX = Deno.build.os !== "windows";
const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test({
  name: "runProgram() gives stdin, takes stdout, stderr and status, and passes no variable but those named",
  ignore: !POSIX,
  async fn() {
    const script = 'cat; echo "${HOME-none} $ONE" >&2; exit 7';
    const result = await runProgram("/bin/sh", ["-c", script], { stdin: utf8("in"), env: { ONE: "1" }, signal });
    assert.deepEqual(result, { code: 7, stdout: utf8("in"), stderr: utf8("none 1\n") });
  },
});

Deno.test({
  name: "runProgram() takes 64 KiB through a program that answers while it reads",
  ignore: !POSIX,
  async fn() {
    const stdin = new Uint8Array(65_536).fill(0x61);
    assert.deepEqual((await runProgram("/bin/cat", [], { stdin, env: {}, signal })).stdout, stdin);
  },
});

Deno.test({
  name: "runProgram() kills the program when the signal fires",
  ignore: !POSIX,
  async fn() {
    const limit = AbortSignal.timeout(50);
    await assert.rejects(runProgram("/bin/sleep", ["60"], { env: {}, signal: limit }), { name: "TimeoutError" });
  },
});

Deno.test({
  name: "runProgram() ends a program that writes without end",
  ignore: !POSIX,
  fn: () => assert.rejects(runProgram("/bin/cat", ["/dev/zero"], { env: {}, signal }), RangeError),
});

Deno.test({
  name: "runProgram() survives a program that does not read",
  ignore: !POSIX,
  async fn() {
    const stdin = new Uint8Array(1_000_000);
    assert.equal((await runProgram("/bin/sh", ["-c", "exit 3"], { stdin, env: {}, signal })).code, 3);
  },
});

Deno.test("runProgram() says NotFound of a program that is not there", () =>
  assert.rejects(runProgram("kz-no-such-program", [], { env: {}, signal }), Deno.errors.NotFound));
