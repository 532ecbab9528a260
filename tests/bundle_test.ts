/** The bundle that executables are compiled of, on the Deno that releases are compiled with. */
import assert from "node:assert/strict";
import { bundle } from "../scripts/compile.ts";
import { isolatedEnv, KZ_BINARY } from "./support/kz.ts";
import { makeCanary, makeProject } from "./support/project.ts";

Deno.test({
  name: "the bundle hands values from worker to worker as the sources do [F-7.1]",
  // The executable is this bundle already.
  ignore: KZ_BINARY !== undefined,
  async fn() {
    const canary = makeCanary();
    await using project = await makeProject({
      toml: '[secrets]\nTOKEN = { provider = "file", ref = "value.txt" }\n',
      files: { "value.txt": canary },
    });
    const folder = `${project.home}/bundle`;
    await bundle(folder);
    const flags = ["env", "net", "read", "run", "sys", "write"].map((name) => `--allow-${name}`);
    const kz = [
      "run",
      "--quiet",
      "--no-config",
      "--unstable-worker-options",
      "--no-prompt",
      ...flags,
      `${folder}/cli/main.js`,
    ];
    const env = Object.fromEntries(Object.entries(isolatedEnv(project.home)).filter((entry) => entry[1] !== undefined));
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...kz, "run", ...args, "--", "sh", "-c", 'echo "$TOKEN"'],
        cwd: project.dir,
        clearEnv: true,
        env: env as Record<string, string>,
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    assert.equal(await run(), `${canary}\n`);
    assert.match(await run("--blind"), /^kz_masked_[0-9a-f]{32}\n$/);
  },
});
