import assert from "node:assert/strict";
import { join } from "node:path";
import { linuxKeychain } from "./keychain_linux.ts";
import { setVariable, temporaryDirectory } from "./testing/store_of.ts";

const CANARY = "kz-canary-2f6a";
const ITEM = { service: "keyzero", name: "-x $(id)" };
const LINUX = Deno.build.os === "linux";
const { signal } = new AbortController();

/** A `secret-tool` that writes down its arguments, environment and input, and then does as `script` says. */
function fakeSecretTool(script: string): Disposable & { read(name: "args" | "env" | "stdin"): string } {
  const scope = new DisposableStack();
  const { path } = scope.use(temporaryDirectory());
  const lines = [
    "#!/bin/sh",
    `printf '%s\\n' "$@" > ${path}/args`,
    `env > ${path}/env`,
    `cat > ${path}/stdin`,
    script,
    "",
  ];
  Deno.writeTextFileSync(join(path, "secret-tool"), lines.join("\n"), { mode: 0o755 });
  scope.use(setVariable("PATH", path));
  return { read: (name) => Deno.readTextFileSync(join(path, name)), [Symbol.dispose]: () => scope.dispose() };
}

Deno.test({
  name: "linuxKeychain gives the value on stdin, never as an argument or a variable",
  ignore: !LINUX,
  async fn() {
    using _inherited = setVariable("KZ_TEST_A", CANARY);
    using tool = fakeSecretTool("exit 0");
    await linuxKeychain.set(ITEM, new TextEncoder().encode(CANARY), signal);
    assert.equal(tool.read("stdin"), CANARY);
    assert.equal(tool.read("args"), "store\n--label=KeyZero: -x $(id)\n--\nservice\nkeyzero\naccount\n-x $(id)\n");
    assert(!tool.read("env").includes(CANARY));
  },
});

const FAILURES: readonly [why: string, script: string, kind: "missing" | "refused" | undefined][] = [
  ["no such item", "exit 1", undefined],
  ["an item that only a search shows", '[ "$1" = search ] && echo "[/1]" && exit 0; exit 1', "refused"],
  ["no bus", 'echo "secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY" >&2; exit 1', "missing"],
  [
    "no service",
    'echo "secret-tool: The name org.freedesktop.secrets was not provided by any .service files" >&2; exit 1',
    "missing",
  ],
  ["a refusal", `echo "secret-tool: ${CANARY}" >&2; exit 1`, "refused"],
];
for (const [why, script, kind] of FAILURES) {
  Deno.test({
    name: `linuxKeychain reads ${why} as ${kind ?? "not there"}`,
    ignore: !LINUX,
    async fn() {
      using _tool = fakeSecretTool(script);
      const getting = linuxKeychain.get(ITEM, signal);
      if (kind === undefined) return assert.equal(await getting, undefined);
      await assert.rejects(getting, (error) => {
        assert(error instanceof Error && "kind" in error);
        assert.equal(error.kind, kind);
        assert(!error.message.includes(CANARY));
        return true;
      });
    },
  });
}
