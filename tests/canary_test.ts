/** The canary is in nothing that a blind child can see, and in nothing that was written. */
import assert from "node:assert/strict";
import { findForm } from "./support/forms.ts";
import { hasProgram } from "./support/programs.ts";
import { makeCanary, makeProject, type Project } from "./support/project.ts";
import { startTlsUpstream, type TlsUpstream } from "./support/tls_upstream.ts";

const LINUX = Deno.build.os === "linux";
const CURL = hasProgram("curl");

/** A project whose value is at rest in the encrypted store only. */
async function storedSecret(upstream: TlsUpstream, canary: string): Promise<Project> {
  const project = await makeProject({
    toml: `[secrets]
API_TOKEN = { provider = "store", ref = "api" }
DATABASE_URL = "postgres://admin:\${API_TOKEN}@prod-db:5432/app"
${upstream.toml(["api.test"])}`,
    files: { "upstream-ca.pem": upstream.caPem },
  });
  const put = await project.kz(["put", "API_TOKEN", "--stdin"], { stdin: canary });
  assert.equal(put.status, 0, put.stderr);
  return project;
}

/** Prints whatever a child can read of itself, of kz, and of the folders of both. */
const LOOK_AROUND = `
env
printf '%s\\n' "$@"
cat /proc/self/environ /proc/self/cmdline /proc/$PPID/environ /proc/$PPID/cmdline | tr '\\0' '\\n'
for fd in /proc/$PPID/fd/*; do target=$(readlink "$fd"); echo "$target"; [ -f "$target" ] && cat "$target"; done
cat /proc/$PPID/maps
find "$HOME" "$TMPDIR" . -type f -exec cat {} +
curl -sv -H "Authorization: Bearer $API_TOKEN" https://api.test/echo
curl -sv -H "Cookie: a=$API_TOKEN" https://api.test/cookie
curl -sv https://denied.test/ 
cat "$DATABASE_URL"
true`;

Deno.test({
  name: "TM-26 TM-30 a blind child finds the value nowhere it can look [F-9.13] [F-6.1]",
  ignore: !LINUX || !CURL,
  async fn() {
    const canary = makeCanary();
    await using upstream = await startTlsUpstream({ host: "api.test" });
    await using project = await storedSecret(upstream, canary);
    const result = await project.kz(["run", "--blind", "--", "sh", "-c", LOOK_AROUND, "sh", "{{API_TOKEN}}"]);
    assert.equal(result.status, 0, result.stderr);
    const everything = result.stdout + result.stderr;
    assert.equal(findForm(everything, canary), undefined, "the value was seen");
    // The search has looked at what it was to look at.
    assert.match(everything, /^API_TOKEN=kz_masked_[0-9a-f]{32}$/m);
    assert.match(everything, /^DATABASE_URL=postgres:\/\/admin:kz_masked_[0-9a-f]{32}@prod-db:5432\/app$/m);
    assert.match(everything, /BEGIN CERTIFICATE/);
    assert.match(everything, /age-encryption\.org|\/echo/);
    // And the value did its work meanwhile, on the one request that may carry it.
    assert.equal(upstream.seen.length, 1);
    assert.equal(upstream.seen[0]?.headers["authorization"], `Bearer ${canary}`);
  },
});

Deno.test({
  name: "TM-29 TM-30 nothing that a run wrote holds the value, and its files are gone [F-6.2]",
  ignore: !CURL,
  async fn() {
    const canary = makeCanary();
    await using upstream = await startTlsUpstream({ host: "api.test" });
    await using project = await storedSecret(upstream, canary);
    const command =
      'curl -s -H "Authorization: Bearer $API_TOKEN" https://api.test/ >answer.txt 2>&1; ls "$TMPDIR"; exit 3';
    const result = await project.kz(["run", "--blind", "--", "sh", "-c", command]);
    assert.equal(result.status, 3);
    assert.match(result.stdout, /^kz-/m, "the run had no folder");
    const left = await allFiles([project.dir, project.home]);
    for (const [path, text] of left) {
      assert.equal(findForm(text, canary), undefined, `the value is in ${path}`);
      assert.ok(!text.includes("PRIVATE KEY"), `a key is in ${path}`);
    }
    assert.deepEqual(
      [...left.keys()].filter((path) => path.startsWith(`${project.home}/tmp/`)),
      [],
      "files of the run were left",
    );
  },
});

Deno.test({
  name: "TM-27 a change of the configuration during a run has no effect on it",
  ignore: !CURL,
  async fn() {
    const canary = makeCanary();
    await using upstream = await startTlsUpstream({ host: "api.test" });
    await using project = await storedSecret(upstream, canary);
    const allowAll = '[[blind.connections]]\\nallow = true\\nhost = "evil.test"\\n';
    const command = `printf '${allowAll}' >> .keyzero.toml; kill -HUP $PPID 2>/dev/null; sleep 0.2
      curl -s -o /dev/null -w '%{http_connect}' https://evil.test/`;
    const result = await project.kz(["run", "--blind", "--", "sh", "-c", `trap '' HUP; ${command}`]);
    assert.match(await Deno.readTextFile(`${project.dir}/.keyzero.toml`), /evil\.test/);
    assert.equal(result.stdout, "403");
    assert.match(result.stderr, /POLICY_HOST_DENIED/);
  },
});

async function allFiles(folders: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) { for (const [inner, text] of await allFiles([path])) files.set(inner, text); }
      // A compiled Deno program keeps its compiled code there between runs.
      else if (entry.name.startsWith("deno-compile-")) continue;
      else if (entry.isFile) files.set(path, new TextDecoder("latin1").decode(await Deno.readFile(path)));
    }
  }
  return files;
}
