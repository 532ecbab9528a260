import assert from "node:assert/strict";
import { isStopped } from "./process_state.ts";

const WINDOWS = Deno.build.os === "windows";

Deno.test({
  name: "isStopped() tells a stopped process from a running one and from none",
  ignore: WINDOWS,
  async fn() {
    const child = new Deno.Command("sleep", { args: ["20"] }).spawn();
    assert.equal(isStopped(child.pid), false);
    child.kill("SIGSTOP");
    const end = performance.now() + 5000;
    while (isStopped(child.pid) !== true) assert.ok(performance.now() < end, "it was not seen stopped");
    child.kill("SIGKILL");
    await child.status;
    assert.equal(isStopped(child.pid), false);
  },
});

for (
  const [trap, expected] of [["true", "false"], ["trap '' HUP", "true"], ["trap '' INT", "true"], [
    "trap '' TERM",
    "false",
  ]] as const
) {
  Deno.test({
    name: `hasIgnoredSignals() is ${expected} after "${trap}"`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const code = `import { hasIgnoredSignals } from ${
        JSON.stringify(import.meta.resolve("./process_state.ts"))
      }; console.log(hasIgnoredSignals())`;
      const { stdout } = await new Deno.Command("sh", {
        args: ["-c", `${trap}; exec "$0" eval --no-config "$1"`, Deno.execPath(), code],
        stdin: "null",
      }).output();
      assert.equal(new TextDecoder().decode(stdout), `${expected}\n`);
    },
  });
}
