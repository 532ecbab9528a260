import assert from "node:assert/strict";
import { runChild } from "./run_child.ts";

// What needs a process of its own is in tests/child_process_test.ts and beside it.

const WINDOWS = Deno.build.os === "windows";
const environment = { PATH: "/usr/bin:/bin" };
const warn = (line: string) => assert.fail(`unexpected: ${line}`);

Deno.test({
  name: "runChild() ends the child with SIGTERM when it is aborted, and waits for it",
  ignore: WINDOWS,
  async fn() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 50);
    const end = await runChild({ command: "sleep", args: ["20"], environment, signal: abort.signal, warn });
    clearTimeout(timer);
    assert.equal(end.status, 143);
    assert.ok(end.durationMs < 10_000, `${end.durationMs} ms`);
  },
});

/** Its only act is to remove the directory: whether that is there tells whether it ran. */
const REMOVING = ["-c", 'rmdir "$0"'];

Deno.test({
  name: "runChild() starts no child when it was aborted before",
  ignore: WINDOWS,
  async fn() {
    const flag = Deno.makeTempDirSync();
    const options = { command: "sh", args: [...REMOVING, flag], environment, warn };
    await assert.rejects(runChild({ ...options, signal: AbortSignal.abort() }), { name: "AbortError" });
    Deno.removeSync(flag);
  },
});

Deno.test({
  name: "runChild() starts no child when a scrubber cannot be made",
  ignore: WINDOWS,
  async fn() {
    const flag = Deno.makeTempDirSync();
    const redact = () => {
      throw new RangeError("no scrubber");
    };
    await assert.rejects(
      runChild({ command: "sh", args: [...REMOVING, flag], environment, redact, warn }),
      RangeError,
    );
    Deno.removeSync(flag);
  },
});

for (const [stream, broken] of [["stdout", 0], ["stderr", 1]] as const) {
  Deno.test({
    name: `runChild() ends the child when the scrubber of its ${stream} fails, and throws what that threw`,
    ignore: WINDOWS,
    async fn() {
      let made = 0;
      const redact = () => {
        const isBroken = made++ === broken;
        return {
          push: () => {
            if (isBroken) throw new RangeError("broken");
            return new Uint8Array();
          },
          flush: () => new Uint8Array(),
          pending: 0,
        };
      };
      const args = ["-c", "echo x; echo y >&2; exec sleep 20"];
      await assert.rejects(runChild({ command: "sh", args, environment, redact, warn }), RangeError);
    },
  });
}
