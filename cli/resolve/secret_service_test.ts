import assert from "node:assert/strict";
import { temporaryDirectory } from "../../providers/testing/store_of.ts";
import { denoDirectory, hasSecretService, isInstalled, runWithSecretService } from "./testing/secret_service.ts";

const SESSION = new URL("./testing/keychain_session.ts", import.meta.url);

Deno.test({
  name: "resolveAll() and putSecret() use a real Secret Service, and a store keeps its identity there [F-5.1]",
  ignore: !hasSecretService(),
  async fn() {
    using directory = temporaryDirectory();
    const { success, stdout, stderr } = await runWithSecretService([SESSION, directory.path], { home: directory.path });
    assert(success, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      check: "done",
      same: [true, true, true, true, true, true],
      replaced: ["done", "new"],
      odd: ["done", "odd"],
      missing: "PROVIDER_SECRET_NOT_FOUND",
      tooLong: "PROVIDER_VALUE_INVALID",
      store: ["done", "in the store"],
      files: ["store.age", "store.age.lock"],
    });
    // The next session has not unlocked what this one left.
    const options = { home: directory.path, unlocked: false };
    const locked = await runWithSecretService([SESSION, directory.path, "item 0"], options);
    assert.equal(locked.stdout, "PROVIDER_ACCESS_DENIED\n", locked.stderr);
    const missing = await runWithSecretService([SESSION, directory.path, "no such item"], options);
    assert.equal(missing.stdout, "PROVIDER_SECRET_NOT_FOUND\n", missing.stderr);
  },
});

Deno.test({
  name: "checkProvider() says that no Secret Service answers where there is no session bus",
  ignore: Deno.build.os !== "linux" || !isInstalled("secret-tool"),
  async fn() {
    using directory = temporaryDirectory();
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", SESSION.pathname, directory.path],
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: directory.path, DENO_DIR: denoDirectory() },
    }).output();
    const result: unknown = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(result, {
      check: "PROVIDER_UNAVAILABLE",
      same: Array(6).fill("PROVIDER_UNAVAILABLE"),
      replaced: Array(2).fill("PROVIDER_UNAVAILABLE"),
      odd: Array(2).fill("PROVIDER_UNAVAILABLE"),
      missing: "PROVIDER_UNAVAILABLE",
      tooLong: "PROVIDER_VALUE_INVALID",
      store: ["done", "in the store"],
      files: ["store.age", "store.age.identity", "store.age.lock"],
    });
  },
});
