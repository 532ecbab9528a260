/** A value that changes at its provider during a run. */
import assert from "node:assert/strict";
import { findForm } from "./support/forms.ts";
import { hasProgram } from "./support/programs.ts";
import { makeCanary, makeProject } from "./support/project.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

// requirement: P-6.1

Deno.test({
  name: "a value that changes at its provider is picked up after a 401, while the child keeps its token [P-6]",
  ignore: !hasProgram("curl"),
  async fn() {
    const [old, renewed] = [makeCanary("old"), makeCanary("new")];
    let accepted = old;
    await using upstream = await startTlsUpstream({
      host: "api.test",
      respond: (request) => {
        const given = request.headers.get("authorization") ?? "";
        return new Response(`${given} ${old} ${renewed}`, { status: given === `Bearer ${accepted}` ? 200 : 401 });
      },
    });
    await using project = await makeProject({
      toml: `[secrets]
API_TOKEN = { provider = "file", ref = "token.txt", refresh = "1h" }
${upstream.toml(["api.test"])}`,
      files: { "token.txt": old, "upstream-ca.pem": upstream.caPem },
    });
    const call = 'curl -s -w " %{http_code}\\n" -H "Authorization: Bearer $API_TOKEN" https://api.test/';
    const waitForChange = "while [ ! -e changed ]; do sleep 0.05; done";
    const retry =
      `for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; out=$(${call}); case $out in *200) break;; esac; done; echo "$out"`;
    const run = project.kz([
      "run",
      "--blind",
      "--",
      "sh",
      "-c",
      `${call}; touch ready; ${waitForChange}; ${call}; ${retry}`,
    ]);
    while (!await Deno.stat(`${project.dir}/ready`).then(() => true, () => false)) {
      await new Promise((r) => setTimeout(r, 20));
    }
    accepted = renewed;
    await project.write("token.txt", renewed);
    await project.write("changed", "");
    const result = await run;
    assert.equal(result.status, 0, result.stderr);
    const lines = result.stdout.trim().split("\n");
    assert.deepEqual(lines.map((line) => line.slice(-3)), ["200", "401", "200"]);
    const token = /kz_masked_[0-9a-f]{32}/.exec(lines[0]!)?.[0];
    assert.ok(lines[2]!.startsWith(`Bearer ${token} `), "the child's token changed");
    for (const value of [old, renewed]) {
      // The new value is unknown to the run until it was read; the host's last answer holds both.
      assert.equal(findForm(lines[2]!, value), undefined);
    }
    assert.match(result.stderr, /^kz: API_TOKEN has a new value$/m);
  },
});
