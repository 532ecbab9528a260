import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { PROVIDERS } from "../providers/registry.ts";
import { workerPermissions } from "./permissions.ts";

const NOTHING = {
  env: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
  ffi: false,
  import: false,
};

Deno.test("workerPermissions() denies every kind that is not named", () => {
  assert.deepEqual(workerPermissions("resolver-aws", {}), NOTHING);
});

Deno.test("workerPermissions() narrows a whole kind to a list, and an empty list to nothing", () => {
  assert.deepEqual(workerPermissions("resolver-env", { env: ["A", "A", "B"] }), { ...NOTHING, env: ["A", "B"] });
  assert.deepEqual(workerPermissions("resolver-env", { env: [] }), NOTHING);
  assert.deepEqual(workerPermissions("proxy", { net: ["127.0.0.1"] }), { ...NOTHING, net: ["127.0.0.1"] });
});

Deno.test("workerPermissions() gives all of a kind for true", () => {
  assert.deepEqual(workerPermissions("proxy", { net: true }), { ...NOTHING, net: true });
  assert.deepEqual(workerPermissions("resolver-aws", { sys: true }), { ...NOTHING, sys: ["homedir", "osRelease"] });
  assert.deepEqual(workerPermissions("resolver-env", { read: true }), NOTHING);
});

Deno.test("workerPermissions() refuses to widen", () => {
  assert.throws(() => workerPermissions("resolver-env", { read: ["/etc/passwd"] }), TypeError);
  assert.throws(() => workerPermissions("resolver-keychain", { run: ["secret-tool", "sh"] }), TypeError);
  assert.throws(() => workerPermissions("resolver-aws", { env: ["PATH"] }), TypeError);
});

Deno.test("deno.json gives no worker ffi, and programs only by name", () => {
  const workers = Object.entries(config.permissions).filter(([name]) => /^(?:proxy$|resolver-)/.test(name));
  assert(workers.length > 6);
  for (const [name, set] of workers) {
    assert(!("ffi" in set) && !("all" in set), name);
    assert(!("run" in set) || Array.isArray(set.run), name);
  }
  assert(!("ffi" in config.permissions.kz));
});

for (const os of ["linux", "darwin", "windows"] as const) {
  Deno.test(`workerPermissions() has what every provider asks for on ${os}`, () => {
    const machine = { os, root: "/project", env: () => "/home/u" };
    for (const entry of PROVIDERS) {
      for (const action of ["resolve", "put", "check"] as const) {
        const needed = entry.permissions(entry.prepare({}, machine), [], { machine, action });
        assert(workerPermissions(`resolver-${entry.name}`, needed));
        assert.deepEqual(needed.write !== undefined, entry.name === "store" && action === "put");
      }
    }
  });
}
