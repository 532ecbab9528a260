import assert from "node:assert/strict";
import { makeCanary, makeProject } from "./support/project.ts";

const WINDOWS = Deno.build.os === "windows";
const TOML = '[secrets]\nCANARY = { provider = "file", ref = "value.txt" }\n';
const PORT = ["sh", "-c", 'printf %s "$HTTPS_PROXY"; sleep 1'];

for (const mode of [["run"], ["run", "--blind"]]) {
  Deno.test({
    name: `kz ${mode.join(" ")} ends with 127 if there is no such program [F-9.9]`,
    ignore: WINDOWS,
    async fn() {
      await using project = await makeProject({ toml: TOML, files: { "value.txt": makeCanary() } });
      const result = await project.kz([...mode, "--", "kz-no-such-program"]);
      assert.deepEqual({ status: result.status, stdout: result.stdout }, { status: 127, stdout: "" }, result.stderr);
      assert.match(result.stderr, /^error\[/);
    },
  });

  Deno.test({
    name: `kz ${mode.join(" ")} ends with 126 if the program cannot be executed [F-9.9]`,
    ignore: WINDOWS,
    async fn() {
      await using project = await makeProject({
        toml: TOML,
        files: { "value.txt": makeCanary(), "plain.txt": "no program\n" },
      });
      const result = await project.kz([...mode, "--", "./plain.txt"]);
      assert.deepEqual({ status: result.status, stdout: result.stdout }, { status: 126, stdout: "" }, result.stderr);
      assert.match(result.stderr, /^error\[/);
    },
  });
}

Deno.test({
  name: "kz run --blind takes a port that is free, so that two runs do not meet [F-9.10]",
  ignore: WINDOWS,
  async fn() {
    await using project = await makeProject({ toml: TOML, files: { "value.txt": makeCanary() } });
    const runs = await Promise.all([1, 2].map(() => project.kz(["run", "--blind", "--", ...PORT])));
    assert.deepEqual(runs.map(({ status }) => status), [0, 0]);
    const [first, second] = runs.map(({ stdout }) => new URL(stdout));
    assert.notEqual(first!.port, second!.port);
    // Each has credentials of its own as well.
    assert.notEqual(first!.password, second!.password);
  },
});
