/** Which secrets a run resolves, what it says of those that fail, and what the child inherits besides. */
import assert from "node:assert/strict";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

const UNIX = Deno.build.os !== "windows";
const MODES: [mode: string, flags: string[]][] = [["", []], [" --blind", ["--blind"]]];

function unixTest(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name, ignore: !UNIX || ignore, fn });
}

/** Fails at four providers in four ways; one secret is found. */
const FAILING = `[secrets]
A = { provider = "env", ref = "NOT_SET" }
B = { provider = "file", ref = "no-such-file" }
C = { provider = "dotenv", ref = "present.env#MISSING" }
D = { provider = "store", ref = "no-such-item" }
E = { provider = "dotenv", ref = "present.env#HERE" }
F = { provider = "file", ref = "folder" }
`;

for (const [mode, flags] of MODES) {
  unixTest(`kz run${mode} lists every failure and does not start the child [F-4.8]`, async () => {
    const canary = makeCanary();
    await using project = await makeProject({
      toml: FAILING,
      files: { "present.env": `HERE=${canary}\n`, "folder/file": "" },
    });
    const { status, stdout, stderr } = await project.kz(["run", ...flags, "--", "touch", "started"]);
    assert.equal(status, 5);
    const failures = [...stderr.matchAll(/^error\[(PROVIDER_\w+)\]: (.*)$/gm)].map(([, code, text]) => [code, text]);
    assert.equal(failures.length, 5, stderr);
    const named: [provider: string, ref: string][] = [
      ["env", "NOT_SET"],
      ["file", "no-such-file"],
      ["dotenv", "present.env#MISSING"],
      ["store", "no-such-item"],
      ["file", "folder"],
    ];
    for (const [provider, ref] of named) {
      const found = failures.filter(([, text]) => text!.includes(provider) && text!.includes(ref));
      assert.equal(found.length, 1, `${provider} ${ref} in:\n${stderr}`);
    }
    assert.match(stderr, /^hint: /m);
    assertNoLeak(canary, stdout + stderr, "the report");
    await assert.rejects(Deno.stat(`${project.dir}/started`), Deno.errors.NotFound);
  });

  // Each pipe is opened for writing only once it is being read: the second would never be if they were read in turn.
  unixTest(`kz run${mode} resolves all secrets at the same time [F-4.8]`, async () => {
    await using project = await makeProject({
      toml: '[secrets]\nA = { provider = "file", ref = "a" }\nB = { provider = "dotenv", ref = "b#B" }\n',
    });
    const pipes = [`${project.dir}/a`, `${project.dir}/b`];
    await new Deno.Command("mkfifo", { args: pipes }).output();
    const running = project.kz(["run", ...flags, "--", "true"], { timeoutMs: 20_000 });
    const writers = await Promise.all(pipes.map((path) => Deno.open(path, { write: true })));
    for (const [at, text] of ["value-of-a", "B=value-of-b"].entries()) {
      using writer = writers[at]!;
      await writer.write(new TextEncoder().encode(text));
    }
    const { status, stderr } = await running;
    assert.equal(status, 0, stderr);
  }, !hasProgram("mkfifo"));

  unixTest(`kz run${mode} --only resolves what it names, and what that is composed of [F-4.9]`, async () => {
    const toml = `[secrets]
A = { provider = "env", ref = "SOURCE_A" }
B = { provider = "env", ref = "NOT_SET" }
C = { provider = "env", ref = "SOURCE_C", expose = false }
URL = "https://\${C}.test/"
`;
    await using project = await makeProject({ toml });
    const env = { SOURCE_A: "value-of-a", SOURCE_C: "value-of-c" };
    const names = "for n in A B C URL; do printenv $n >/dev/null && echo $n; done; true";
    const only = await project.kz(["run", ...flags, "--only", "A,URL", "--", "sh", "-c", names], { env });
    assert.deepEqual([only.status, only.stdout], [0, "A\nURL\n"], only.stderr);
    const all = await project.kz(["run", ...flags, "--", "sh", "-c", names], { env });
    assert.equal(all.status, 5);
  });

  unixTest(`kz run${mode} --env chooses an environment; an unknown one is refused [F-4.9]`, async () => {
    const toml = `[secrets]
A = { provider = "env", ref = "SOURCE_A", mask = "/visible-(.*)/" }
[production.secrets]
A = { provider = "env", ref = "SOURCE_P", mask = "/visible-(.*)/" }
`;
    await using project = await makeProject({ toml });
    const env = { SOURCE_A: "default", SOURCE_P: "visible-secret" };
    const production = await project.kz(["run", ...flags, "--env", "production", "--", "printenv", "A"], { env });
    assert.match(production.stdout, /^visible-/, production.stderr);
    const byVariable = await project.kz(["run", ...flags, "--", "printenv", "A"], {
      env: { ...env, KEYZERO_ENV: "production" },
    });
    assert.match(byVariable.stdout, /^visible-/, byVariable.stderr);
    const without = await project.kz(["run", ...flags, "--", "printenv", "A"], { env });
    assert.doesNotMatch(without.stdout, /^visible-/);
    const unknown = await project.kz(["run", ...flags, "--env", "prodution", "--", "printenv", "A"], { env });
    assert.equal(unknown.status, 3);
    assert.match(withoutDeno(unknown.stderr), /^error\[CONFIG_ENVIRONMENT_UNKNOWN\][\s\S]*production/);
  });

  unixTest(`kz run${mode} leaves an optional secret that is not found unset`, async () => {
    const toml = `[secrets]
A = { provider = "env", ref = "NOT_SET", optional = true }
B = "prefix-\${A}"
`;
    await using project = await makeProject({ toml });
    // The caller's own variable of that name is no stand-in for the secret.
    const script = "printenv A && exit 1; printenv B && exit 1; echo unset";
    const { status, stdout, stderr } = await project.kz(["run", ...flags, "--", "sh", "-c", script]);
    assert.deepEqual([status, stdout], [0, "unset\n"], stderr);
  });

  unixTest(`kz run${mode} keeps expose = false out of the environment and in what is composed of it`, async () => {
    const canary = makeCanary();
    const toml = `[secrets]
DB_PASSWORD = { provider = "env", ref = "SOURCE", expose = false }
DATABASE_URL = "postgres://admin:\${DB_PASSWORD}@prod-db:5432/app"
OUTER = "<\${DATABASE_URL}>"
`;
    await using project = await makeProject({ toml });
    const script = 'printenv DB_PASSWORD && exit 1; echo "$DATABASE_URL"; echo "$OUTER"';
    const { status, stdout, stderr } = await project.kz(["run", ...flags, "--", "sh", "-c", script], {
      env: { SOURCE: canary },
    });
    assert.equal(status, 0, stderr);
    const [url, outer] = stdout.split("\n");
    const password = /^postgres:\/\/admin:(.*)@prod-db:5432\/app$/.exec(url!)?.[1];
    assert.equal(outer, `<${url}>`);
    if (flags.length === 0) assert.equal(password, canary);
    else {
      assert.match(password!, /^kz_masked_[0-9a-f]{32}$/);
      assertNoLeak(canary, stdout + stderr, "what the child has");
    }
  });
}

unixTest("kz run --only refuses an unknown name without showing it [F-4.9]", async () => {
  await using project = await makeProject({ toml: '[secrets]\nGITHUB_TOKEN = { provider = "env", ref = "S" }\n' });
  const near = await project.kz(["run", "--only", "GITHUB_TOKE", "--", "true"]);
  assert.equal(near.status, 3);
  assert.match(withoutDeno(near.stderr), /^error\[CONFIG_SECRET_UNKNOWN\].*\n\nhint: Did you mean "GITHUB_TOKEN"\?\n$/);
  const canary = makeCanary();
  const pasted = await project.kz(["run", "--only", canary, "--", "true"]);
  assert.equal(pasted.status, 3);
  assertNoLeak(canary, pasted.stderr, "the refusal");
});

unixTest("kz run passes the caller's environment; --clean-env a few harmless variables only [F-4.10]", async () => {
  await using project = await makeProject({ toml: '[secrets]\nA = { provider = "env", ref = "SOURCE" }\n' });
  const env = { SOURCE: "value-of-a", OTHER: "other", LOG_LEVEL: "debug", LOG_FILE: "log" };
  const names = async (...flags: string[]) => {
    const { status, stdout, stderr } = await project.kz(["run", ...flags, "--", "env"], { env });
    assert.equal(status, 0, stderr);
    return new Set(stdout.split("\n").map((line) => line.split("=", 1)[0]!));
  };
  const all = await names();
  for (const name of ["A", "OTHER", "LOG_LEVEL", "SOURCE", "HOME", "PATH"]) assert.ok(all.has(name), name);
  const clean = await names("--clean-env");
  for (const name of ["A", "HOME", "PATH", "LANG", "TMPDIR"]) assert.ok(clean.has(name), name);
  for (const name of ["OTHER", "LOG_LEVEL", "LOG_FILE", "SOURCE"]) assert.ok(!clean.has(name), name);
  const kept = await names("--clean-env", "--keep-env", "LOG_*");
  assert.deepEqual([...kept].filter((name) => !clean.has(name)).toSorted(), ["LOG_FILE", "LOG_LEVEL"]);
});

unixTest("kz run hands what opens the store to no child [F-4.10]", async () => {
  await using project = await makeProject({ toml: "[secrets]\n" });
  const env = { KEYZERO_PASSPHRASE: makeCanary() };
  for (const flags of [[], ["--clean-env", "--keep-env", "KEYZERO_*"], ["--blind", "--keep-env", "KEYZERO_*"]]) {
    const { status, stdout } = await project.kz(["run", ...flags, "--", "env"], { env });
    assert.equal(status, 0);
    assertNoLeak(env.KEYZERO_PASSPHRASE, stdout, `the environment after ${flags.join(" ")}`);
  }
});

unixTest("kz run --clean-env says what a child that fails at once did not get [F-4.10]", async () => {
  const canary = makeCanary();
  await using project = await makeProject({ toml: "[secrets]\n" });
  const { status, stderr } = await project.kz(["run", "--clean-env", "--", "false"], { env: { NEEDED: canary } });
  assert.equal(status, 1);
  assert.match(withoutDeno(stderr), /^hint: Use --keep-env NAME .*\bNEEDED\b.*\n$/);
  assertNoLeak(canary, stderr, "the hint");
});
