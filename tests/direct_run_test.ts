/** `kz run` without `--blind`, from the command line to the child and back. */
import assert from "node:assert/strict";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

const LINUX = Deno.build.os === "linux";
const UNIX = Deno.build.os !== "windows";

/** A secret that is read from the variable `SOURCE` of the caller. */
const TOML = '[secrets]\nTOKEN = { provider = "env", ref = "SOURCE" }\n';

function unixTest(name: string, fn: () => Promise<void>, only = UNIX): void {
  Deno.test({ name, ignore: !only, fn });
}

unixTest("kz run puts a value into the child's environment and nowhere else [F-4.1]", async () => {
  const canary = makeCanary();
  await using project = await makeProject({ toml: '[secrets]\nTOKEN = { provider = "store", ref = "token" }\n' });
  await project.kz(["put", "TOKEN", "--stdin"], { stdin: canary });
  const script = `printf %s "$TOKEN" | od -An -tx1 | tr -d ' \\n'; echo
    unset TOKEN; env; printf '%s\\n' "$@"
    cat /proc/$PPID/environ /proc/$PPID/cmdline /proc/self/cmdline | tr '\\0' '\\n'
    find "$HOME" "$TMPDIR" . -type f -exec cat {} +; echo searched`;
  const { status, stdout, stderr } = await project.kz(["run", "--", "sh", "-c", script, "sh", "an argument"]);
  assert.equal(status, 0, stderr);
  const [given = "", ...elsewhere] = stdout.split("\n");
  assert.equal(given, hex(canary));
  assertNoLeak(canary, elsewhere.join("\n") + stderr, "something that the child can read");
  // The search has looked at the configuration and the store.
  assert.match(stdout, /provider = "store"[\s\S]*searched\n$/);
  assert.match(stdout, /age-encryption\.org/);
}, LINUX);

unixTest("kz run gives a value byte for byte, line breaks and all", async () => {
  const value = "  two\nlines\t'quoted' \"twice\" $HOME `id` é€😀 \\ ";
  await using project = await makeProject({ toml: TOML });
  const run = await project.kz(["run", "--", "printenv", "TOKEN"], { env: { SOURCE: value } });
  assert.equal(run.stdout, `${value}\n`);
});

const statuses: [why: string, script: string, status: number][] = [
  ["0", "exit 0", 0],
  ["1", "exit 1", 1],
  // Ours mean something else: the child's own are passed all the same.
  ["3", "exit 3", 3],
  ["70", "exit 70", 70],
  ["255", "exit 255", 255],
  ["128 + 15 for SIGTERM", "kill -TERM $$", 143],
  ["128 + 9 for SIGKILL", "kill -KILL $$", 137],
];
for (const [why, script, expected] of statuses) {
  unixTest(`kz run ends with its child's status ${why} [F-4.5]`, async () => {
    await using project = await makeProject({ toml: TOML });
    const { status, stdout, stderr } = await project.kz(["run", "--", "sh", "-c", script], { env: { SOURCE: "x" } });
    assert.deepEqual([status, stdout, withoutDeno(stderr)], [expected, "", ""]);
  });
}

const before: [why: string, args: string[], toml: string, status: number, code: string][] = [
  ["a usage error", ["run"], TOML, 2, "USAGE_INVALID"],
  ["an unknown option", ["run", "--bilnd", "--", "true"], TOML, 2, "USAGE_INVALID"],
  ["--redact with --blind", ["run", "--redact", "--blind", "--", "true"], TOML, 2, "USAGE_INVALID"],
  ["--clean-env with --blind", ["run", "--clean-env", "--blind", "--", "true"], TOML, 2, "USAGE_INVALID"],
  ["--keep-env alone", ["run", "--keep-env", "A", "--", "true"], TOML, 2, "USAGE_INVALID"],
  ["no configuration", ["run", "--", "true"], "", 3, "CONFIG_NOT_FOUND"],
  ["a broken configuration", ["run", "--", "true"], "[secrets\n", 3, "CONFIG_SYNTAX_INVALID"],
  ["a secret that is not found", ["run", "--", "true"], TOML, 5, "PROVIDER_SECRET_NOT_FOUND"],
];
for (const [why, args, toml, expected, code] of before) {
  unixTest(`kz run ends with ${expected} before the child for ${why} [F-4.5]`, async () => {
    await using project = await makeProject(toml === "" ? {} : { toml });
    const marked = args.with(-1, "touch").concat("started");
    const { status, stdout, stderr } = await project.kz(args.length === 1 ? args : marked);
    assert.equal(status, expected, stderr);
    assert.match(withoutDeno(stderr), new RegExp(`^error\\[${code}\\]: Cannot .*\\n(.+\\n)*(\\n(hint: .+\\n)+)?$`));
    assert.equal(stdout, "");
    await assert.rejects(Deno.stat(`${project.dir}/started`), Deno.errors.NotFound);
  });
}

unixTest("kz run --redact replaces a value in both streams by its name [F-4.6]", async () => {
  const canary = makeCanary();
  await using project = await makeProject({ toml: TOML });
  const script = 'echo "<$TOKEN>"; printf %s "$TOKEN" | base64 -w0; echo "!$TOKEN!" >&2; exit 7';
  const { status, stdout, stderr } = await project.kz(["run", "--redact", "--", "sh", "-c", script], {
    env: { SOURCE: canary },
  });
  assert.equal(status, 7);
  assert.match(stdout, /^<\[redacted TOKEN\]>\n\[redacted TOKEN\]/);
  assert.equal(withoutDeno(stderr), "![redacted TOKEN]!\n");
  assertNoLeak(canary, stdout + stderr, "redacted output");
});

unixTest("kz run --redact says which value is too short to be searched for", async () => {
  await using project = await makeProject({ toml: TOML });
  const { stdout, stderr } = await project.kz(["run", "--redact", "--", "sh", "-c", "echo $TOKEN"], {
    env: { SOURCE: "abc" },
  });
  assert.equal(stdout, "abc\n");
  assert.match(withoutDeno(stderr), /^warning: not redacted, .*: TOKEN \(under \d+ bytes\)\n$/);
});

unixTest("kz run refuses {{NAME}}, says what to do, and does not start the child [F-4.7]", async () => {
  const canary = makeCanary();
  await using project = await makeProject({ toml: TOML });
  const args = ["run", "--", "touch", "started", "--token={{TOKEN}}"];
  const { status, stdout, stderr } = await project.kz(args, { env: { SOURCE: canary } });
  assert.equal(status, 2);
  assert.match(withoutDeno(stderr), /^error\[USAGE_ARGUMENT_PUBLIC\]: Cannot put TOKEN .*\n\nhint: .*--blind/);
  assertNoLeak(canary, stdout + stderr, "the refusal");
  await assert.rejects(Deno.stat(`${project.dir}/started`), Deno.errors.NotFound);
});

const templates = ["{{.Names}}", "{{ TOKEN }}", "{{OTHER}}", "{TOKEN}", "{{}}", "${{TOKEN }}", "{{TOKEN"];
unixTest("kz run leaves other templates as they are [F-4.7]", async () => {
  await using project = await makeProject({ toml: TOML });
  const args = ["run", "--", "sh", "-c", 'printf "%s\\n" "$@"', "sh", ...templates];
  const { status, stdout, stderr } = await project.kz(args, { env: { SOURCE: "x" } });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, templates.map((template) => `${template}\n`).join(""));
});

unixTest("kz run starts the program with no secrets declared", async () => {
  await using project = await makeProject({ toml: "[secrets]\n" });
  const { status, stdout, stderr } = await project.kz(["run", "--", "echo", "here"]);
  assert.deepEqual([status, stdout, withoutDeno(stderr)], [0, "here\n", ""]);
});

function hex(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
