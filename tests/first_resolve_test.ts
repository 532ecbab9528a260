import assert from "node:assert/strict";
import { kzCommand, makeHome, ROOT } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";

const DOC = `${ROOT}docs/first-resolve.md`;
const PROGRAMS = ["sh", "sed", "curl"];

/** A port that nothing listens on now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** `'` in a text between `'`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

Deno.test({
  name: "docs/first-resolve.md leads from nothing to a token, as it is written [S-8.6]",
  ignore: Deno.build.os === "windows" || !PROGRAMS.every(hasProgram),
  fn: async () => {
    const text = await Deno.readTextFile(DOC);
    const blocks = Array.from(text.matchAll(/^```sh\n(.*?)^```$/gms), ([, block]) => block!);
    assert.equal(blocks.length, 5);
    const [keys, bundle, start, sign, resolve] = blocks;
    const home = await makeHome();
    try {
      const { file, args, env } = await kzCommand([], home);
      await Deno.mkdir(`${home}/bin`);
      await Deno.writeTextFile(`${home}/bin/kz`, `#!/bin/sh\nexec ${[file, ...args].map(quoted).join(" ")} "$@"\n`);
      await Deno.chmod(`${home}/bin/kz`, 0o755);
      await Deno.mkdir(`${home}/work`);
      const address = `127.0.0.1:${freePort()}`;
      const script = [
        "set -e",
        keys,
        bundle,
        // "In another terminal."
        `${start!.trim()} --listen ${address} & server=$!`,
        "trap 'kill $server; wait $server || true' EXIT",
        `curl --silent --retry 60 --retry-connrefused --retry-delay 1 http://${address}/healthz > health`,
        sign,
        resolve!.replace("127.0.0.1:7070", address),
      ].join("\n");
      const { success, stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", script],
        cwd: `${home}/work`,
        env: { ...env, PATH: `${home}/bin:${env["PATH"]}` },
        clearEnv: true,
        stdin: "null",
      }).output();
      const [seen, said] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
      assert.ok(success, said);
      assert.match(seen, /^Valid: bundle\.yaml/);
      assert.match(seen, /"service": "agent"/);
      const result = JSON.parse(seen.trim().split("\n").at(-1)!).results["github/pat"];
      assert.equal(result.allowed, true);
      assert.equal(result.policy, "agent-reads-github");
      assert.match(result.token, /^KZ_TOK_/);
      assert.ok(!seen.includes("put-the-real-one-here") && !said.includes("put-the-real-one-here"));
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});
