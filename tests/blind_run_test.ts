/** `kz run --blind` as the program in it and its operator see it: environment, arguments, hints, status. */
import assert from "node:assert/strict";
import { makeBlindProject, SOURCE } from "./support/blind_project.ts";
import { kzCommand } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

const UNIX = Deno.build.os !== "windows";
const TOKEN_REGEXP = /^kz_masked_[0-9a-f]{32}$/;

function unixTest(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name, ignore: !UNIX || ignore, fn });
}

unixTest("kz run --blind makes a new token for each secret and each run [F-6.1]", async () => {
  const toml = `[secrets]
A = { provider = "env", ref = "SOURCE" }
B = { provider = "env", ref = "SOURCE" }
`;
  await using project = await makeProject({ toml });
  const tokens: string[] = [];
  for (let run = 0; run < 2; run++) {
    const { stdout } = await project.kz(["run", "--blind", "--", "sh", "-c", "echo $A; echo $B"], {
      env: { SOURCE: "one-and-the-same-value" },
    });
    tokens.push(...stdout.trim().split("\n"));
  }
  assert.equal(tokens.length, 4);
  for (const token of tokens) assert.match(token, TOKEN_REGEXP);
  assert.equal(new Set(tokens).size, 4);
});

unixTest("kz run --blind gives a clean environment and the variables that are kept [F-4.10]", async () => {
  await using blind = await makeBlindProject({ blind: 'keep_env = ["LOG_*", "KEPT_BY_FILE"]' });
  const env = { LOG_LEVEL: "debug", KEPT_BY_FILE: "1", KEPT_BY_FLAG: "1", OTHER: "1", SECRET_OF_CALLER: "1" };
  const { stdout } = await blind.kz(["run", "--blind", "--keep-env", "KEPT_BY_FLAG", "--", "env"], { env });
  const names = new Set(stdout.split("\n").map((line) => line.split("=", 1)[0]!));
  for (const name of ["PATH", "HOME", "LANG", "TMPDIR", "LOG_LEVEL", "KEPT_BY_FILE", "KEPT_BY_FLAG", "API_TOKEN"]) {
    assert.ok(names.has(name), name);
  }
  for (const name of ["OTHER", "SECRET_OF_CALLER", SOURCE, "XDG_RUNTIME_DIR"]) assert.ok(!names.has(name), name);
});

const holders: [why: string, hold: (value: string) => string][] = [
  ["as it is", (value) => value],
  ["inside other text", (value) => `user:${value}@host`],
  ["in Base64", (value) => btoa(`user:${value}`)],
  ["in hexadecimal", (value) => Array.from(value, (char) => char.charCodeAt(0).toString(16)).join("")],
];
for (const [why, hold] of holders) {
  unixTest(`kz run --blind drops a kept variable that holds a value ${why}, and names it only`, async () => {
    await using blind = await makeBlindProject({ blind: 'keep_env = ["KEPT_*"]' });
    const env = { KEPT_COPY: hold(blind.value), KEPT_OTHER: "1", LC_COPY: hold(blind.value) };
    const { status, stdout, stderr } = await blind.kz(["run", "--blind", "--", "sh", "-c", "env; exit 1"], { env });
    assert.equal(status, 1);
    assertNoLeak(blind.value, stdout, "the environment");
    assert.match(stdout, /^KEPT_OTHER=1$/m);
    assert.match(withoutDeno(stderr), /^hint: .*\bKEPT_COPY\b.*\n$/);
    assert.doesNotMatch(stdout, /_COPY/);
    assertNoLeak(blind.value, stderr, "the hint");
  });

  unixTest(`kz run --blind refuses an argument that holds a value ${why} [F-4.7]`, async () => {
    await using blind = await makeBlindProject();
    const { status, stdout, stderr } = await blind.blind(["touch", "started", hold(blind.value)]);
    assert.equal(status, 2);
    assert.match(withoutDeno(stderr), /^error\[USAGE_ARGUMENT_PUBLIC\]: .*\n\nhint: Write \{\{NAME\}\} .*\n$/);
    assertNoLeak(blind.value, stdout + stderr, "the refusal");
    await assert.rejects(Deno.stat(`${blind.project.dir}/started`), Deno.errors.NotFound);
  });
}

unixTest("kz run --blind puts the token of {{NAME}} into an argument, and leaves other templates [F-4.7]", async () => {
  await using blind = await makeBlindProject();
  const script = 'echo "$API_TOKEN"; printf "%s\\n" "$@"';
  const { stdout } = await blind.blind(["sh", "-c", script, "sh", "--a={{API_TOKEN}}", "{{.Names}}", "{{OTHER}}"]);
  const [token, ...args] = stdout.trimEnd().split("\n");
  assert.match(token!, TOKEN_REGEXP);
  assert.deepEqual(args, [`--a=${token}`, "{{.Names}}", "{{OTHER}}"]);
});

unixTest("kz run --blind refuses {{NAME}} of a secret that this run does not have [F-4.7]", async () => {
  await using blind = await makeBlindProject({ secrets: 'GONE = { provider = "env", ref = "X", optional = true }' });
  const { status, stderr } = await blind.blind(["touch", "started", "{{GONE}}"]);
  assert.equal(status, 2);
  assert.match(withoutDeno(stderr), /^error\[USAGE_ARGUMENT_UNKNOWN\]: Cannot fill \{\{GONE\}\}/);
  await assert.rejects(Deno.stat(`${blind.project.dir}/started`), Deno.errors.NotFound);
});

const urls: [why: string, before: string, after: string][] = [
  ["a database", "postgres://admin:", "@prod-db.invalid:5432/app?sslmode=require"],
  ["a database without a port", "mysql://root:", "@prod-db.invalid/app"],
  ["a queue", "amqps://guest:", "@queue.invalid/vhost"],
  ["a cache without a user", "redis://:", "@cache.invalid:6379/0"],
];
for (const [why, before, after] of urls) {
  unixTest(`kz run --blind masks only the password of the URL of ${why} [F-6.6]`, async () => {
    const password = makeCanary();
    await using blind = await makeBlindProject({ value: before + password + after });
    // A real client that says what it could not reach.
    const script = `printenv API_TOKEN; ls "$API_TOKEN"`;
    const { stdout, stderr } = await blind.shell(script);
    const shown = stdout.trim();
    assert.ok(shown.startsWith(before) && shown.endsWith(after), shown);
    assert.match(shown.slice(before.length, -after.length), TOKEN_REGEXP);
    assert.ok(stderr.includes(shown), "the error message shows another text");
    assertNoLeak(password, stdout + stderr, "what the child wrote");
  });
}

unixTest("kz run --blind: the error of a database driver shows the whole URL with a token in it [F-6.6]", async () => {
  const password = makeCanary();
  await using blind = await makeBlindProject({ value: `postgres://admin:${password}@127.0.0.1:1/app` });
  const program = `const url = new URL(process.env.API_TOKEN);
    require("net").connect(Number(url.port), url.hostname).on("error", (error) => {
      console.error("connection to " + url + " failed: " + error.code); process.exit(1); });`;
  const { status, stdout, stderr } = await blind.blind(["node", "-e", program]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /connection to postgres:\/\/admin:kz_masked_[0-9a-f]{32}@127\.0\.0\.1:1\/app failed: ECONNREFUSED/,
  );
  assertNoLeak(password, stdout + stderr, "the error");
}, !hasProgram("node"));

const ends: [why: string, script: string, status: number][] = [
  ["0", "exit 0", 0],
  ["5, which is none of ours", "exit 5", 5],
  ["255", "exit 255", 255],
  ["128 + 15 for SIGTERM", "kill -TERM $$", 143],
  ["128 + 9 for SIGKILL", "kill -KILL $$", 137],
];
for (const [why, script, expected] of ends) {
  unixTest(`kz run --blind ends with its child's status ${why} [F-4.5]`, async () => {
    await using blind = await makeBlindProject();
    const { status, stdout } = await blind.shell(script);
    assert.deepEqual([status, stdout], [expected, ""]);
  });
}

const missing: [why: string, command: string, status: number, code: string][] = [
  ["not found", "no-such-program", 127, "CHILD_NOT_FOUND"],
  ["not executable", "./.keyzero.toml", 126, "CHILD_NOT_EXECUTABLE"],
];
for (const [why, command, expected, code] of missing) {
  unixTest(`kz run --blind ends with ${expected} for a program that is ${why} [F-4.5] [F-9.9]`, async () => {
    await using blind = await makeBlindProject();
    const { status, stderr } = await blind.blind([command]);
    assert.equal(status, expected);
    assert.ok(withoutDeno(stderr).startsWith(`error[${code}]: Cannot run `), stderr);
    const left = [...Deno.readDirSync(`${blind.project.home}/tmp`)].filter(({ name }) => name.startsWith("kz-"));
    assert.deepEqual(left, [], "files of the run were left");
  });
}

unixTest("kz run --blind runs a program that needs no secrets", async () => {
  await using project = await makeProject({ toml: "[secrets]\n" });
  const { status, stdout, stderr } = await project.kz(["run", "--blind", "--", "sh", "-c", "echo $KEYZERO_BLIND"]);
  assert.deepEqual([status, stdout, withoutDeno(stderr)], [0, "1\n", ""]);
});

const revealing: [why: string, args: string[]][] = [
  ["store a value", ["put", "API_TOKEN", "--stdin"]],
  ["declare a secret", ["add", "X", "--provider", "env", "--ref", "X"]],
  ["begin a configuration", ["init"]],
  ["run with real values", ["run", "--", "touch", "started"]],
  ["run under rules of its own", ["run", "--blind", "--", "touch", "started"]],
];
for (const [why, args] of revealing) {
  unixTest(`TM-31 a program in a blind run cannot ask kz to ${why}`, async () => {
    await using blind = await makeBlindProject();
    const before = await Deno.readTextFile(`${blind.project.dir}/.keyzero.toml`);
    const inner = await kzCommand(args, blind.project.home);
    // The source needs Deno's folder; the binary does not.
    const outer = ["run", "--blind", "--keep-env", "DENO_DIR", "--", inner.file, ...inner.args];
    const { status, stderr } = await blind.kz(outer);
    assert.equal(status, 4, stderr);
    assert.match(withoutDeno(stderr), /^error\[DENIED_IN_BLIND_RUN\]: Cannot .*\n\nhint: /);
    assert.equal(await Deno.readTextFile(`${blind.project.dir}/.keyzero.toml`), before);
    await assert.rejects(Deno.stat(`${blind.project.dir}/started`), Deno.errors.NotFound);
  });
}

unixTest(
  "kz run --blind passes a value that is too short to be searched for neither by variable nor by argument",
  async () => {
    await using blind = await makeBlindProject({ value: "q7Zx", blind: 'keep_env = ["KEPT_*"]' });
    const kept = await blind.blind(["env"], { env: { KEPT_COPY: blind.value, KEPT_OTHER: "q7Z", KEPT_EMPTY: "" } });
    assert.equal(kept.status, 0, kept.stderr);
    assert.doesNotMatch(kept.stdout, /KEPT_COPY/);
    assert.match(kept.stdout, /^KEPT_OTHER=q7Z$/m);
    assert.match(kept.stdout, /^KEPT_EMPTY=$/m);
    const argument = await blind.blind(["touch", "started", blind.value]);
    assert.equal(argument.status, 2);
    assert.ok(!argument.stderr.includes(blind.value));
  },
);

unixTest(
  "kz run --blind leads the program to the proxy, also where a secret has the name of its variable",
  async () => {
    await using blind = await makeBlindProject({ secrets: 'HTTPS_PROXY = { provider = "file", ref = "token.txt" }' });
    const { status, stdout, stderr } = await blind.blind(["printenv", "HTTPS_PROXY"]);
    assert.equal(status, 0);
    assert.match(stdout, /^http:\/\/.+@127\.0\.0\.1:\d+\n$/);
    assert.match(withoutDeno(stderr), /^warning: not passed, .*: HTTPS_PROXY\n$/);
  },
);

unixTest("kz run --blind warns of a value that is too short to be searched for [P-3.3]", async () => {
  const value = "q7Zx";
  await using blind = await makeBlindProject({ value });
  const { status, stderr } = await blind.blind(["true"]);
  assert.equal(status, 0);
  assert.match(withoutDeno(stderr), /^warning: .*: API_TOKEN\n$/);
  assert.ok(!stderr.includes(value));
});

for (
  const [why, toml, env, warned] of [
    [
      "provider env",
      '[secrets]\nA = { provider = "env", ref = "SOURCE_OF_A" }\n',
      { SOURCE_OF_A: "long-enough-value" },
      /where the value is, of: A;/,
    ],
    ["another provider", '[secrets]\nA = { provider = "file", ref = "a.txt" }\n', {}, undefined],
  ] as const
) {
  Deno.test({
    name: `TM-26 kz run --blind ${
      warned === undefined ? "is silent about" : "warns of"
    } its own environment with ${why}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using project = await makeProject({ toml, files: { "a.txt": "long-enough-value" } });
      const { status, stderr } = await project.kz(["run", "--blind", "--", "true"], { env });
      assert.equal(status, 0, stderr);
      if (warned === undefined) assert.equal(withoutDeno(stderr), "");
      else assert.match(stderr, warned);
    },
  });
}
