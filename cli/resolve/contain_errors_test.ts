import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const CANARY = "kz-canary-c41f";
const START = fileURLToPath(new URL("./testing/start_broken_worker.ts", import.meta.url));

for (const way of ["throw", "timer", "rejection"]) {
  Deno.test(`TM-30 containErrors() keeps a ${way} that nobody caught off stderr`, async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", "--no-prompt", "--unstable-worker-options", START, way, CANARY],
    }).output();
    const decoder = new TextDecoder();
    assert.equal(decoder.decode(stdout), "reported\n");
    assert(!decoder.decode(stderr).includes(CANARY));
  });
}
