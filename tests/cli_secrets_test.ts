import assert from "node:assert/strict";
import { hasProgram, runOnTerminal, type TerminalStep } from "../cli/child/testdata/child_fixture.ts";
import { kzCommand } from "./support/kz.ts";
import { withoutDeno } from "./support/without_deno.ts";
import { makeCanary, makeProject, type Project } from "./support/project.ts";

const UNIX = Deno.build.os !== "windows";
/** `testdata/terminal.py` makes the terminal. */
const TERMINAL = UNIX && hasProgram("python3");
const TOML = `[secrets]\nTOKEN = { provider = "store", ref = "github-pat" }\n`;
const QUESTION = "Enter value for TOKEN (provider: store, ref: github-pat): ";

const FOREGROUND = '"$@"; status=$?';
/** The shell hands the signal on, and waits again after it. */
const SIGNALLED = '"$@" </dev/tty & child=$!; trap "kill -TERM $child" TERM; wait $child; wait $child; status=$?';

/** Runs kz on a terminal, then says on it how the terminal was left. */
async function onTerminal(
  project: Project,
  args: readonly string[],
  steps: readonly TerminalStep[],
): Promise<{ screen: string; status: number }> {
  const { file, args: words, env } = await kzCommand(args, project.home);
  const command = steps.some((step) => "signal" in step) ? SIGNALLED : FOREGROUND;
  const script = `cd "$1" || exit 99; shift; ${command}; stty -a | grep -o " -*echo " | tr -d "\\n"; exit $status`;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const all = ["env", "-i", ...variables, "sh", "-c", script, "sh", project.dir, file, ...words] as const;
  const { screen, status } = await runOnTerminal(all, steps);
  return { screen: withoutDeno(screen), status };
}

/** The value of a secret, as a child gets it. */
async function valueOf(project: Project, name: string): Promise<string> {
  const { status, stdout, stderr } = await project.kz(["run", "--", "printenv", name]);
  assert.equal(status, 0, stderr);
  return stdout.replace(/\n$/, "");
}

function terminalTest(name: string, fn: (project: Project) => Promise<void>, toml = TOML): void {
  Deno.test({
    name,
    ignore: !TERMINAL,
    async fn() {
      await using project = await makeProject({ toml });
      await fn(project);
    },
  });
}

terminalTest("kz put asks on the terminal without echo [F-5.8]", async (project) => {
  const canary = `${makeCanary()}é€😀`;
  const steps = [{ wait: QUESTION }, { send: `wrong\x15${canary}xy\x7f\x7f\r` }, { wait: "Stored" }];
  const { screen, status } = await onTerminal(project, ["put", "TOKEN"], steps);
  assert.equal(status, 0);
  assert.equal(screen, `${QUESTION}\r\nStored TOKEN (provider: store, ref: github-pat)\r\n echo `);
  assert.equal(await valueOf(project, "TOKEN"), canary);
});

terminalTest("kz put takes a pasted value of 64 KiB", async (project) => {
  const value = "0123456789abcdef".repeat(4096);
  const { status } = await onTerminal(project, ["put", "TOKEN"], [{ wait: QUESTION }, { send: `${value}\r` }]);
  assert.equal(status, 0);
  assert.equal(await valueOf(project, "TOKEN"), value);
});

const ENDED: [why: string, send: string, status: number, message: string][] = [
  ["Ctrl-C", "canary\x03", 130, ""],
  ["Ctrl-D", "\x04", 2, "error[USAGE_INPUT_INVALID]: Cannot read value: standard input was closed"],
  ["an empty line", "\r", 2, "error[USAGE_INPUT_INVALID]: Cannot read value: it is empty"],
  ["several lines", "canary\rcanary\r", 2, "error[USAGE_INPUT_INVALID]: Cannot read value: it has more than one line"],
];
for (const [why, send, expected, message] of ENDED) {
  // requirement: F-9.8
  terminalTest(`kz put stores nothing at ${why}, and leaves the terminal as it was`, async (project) => {
    const { screen, status } = await onTerminal(project, ["put", "TOKEN"], [{ wait: QUESTION }, { send }]);
    assert.equal(status, expected);
    assert.ok(!screen.includes("canary"), screen);
    assert.ok(screen.startsWith(`${QUESTION}\r\n${message}`), screen);
    assert.ok(screen.endsWith(" echo "), screen);
    assert.equal((await project.kz(["status"])).status, 5);
  });
}

terminalTest("kz put leaves the terminal as it was when SIGTERM ends it at the question", async (project) => {
  const steps = [{ wait: QUESTION }, { send: "canary" }, { signal: "SIGTERM" }];
  const { screen, status } = await onTerminal(project, ["put", "TOKEN"], steps);
  assert.equal(status, 143);
  assert.ok(screen.endsWith(" echo ") && !screen.includes("canary"), screen);
});

terminalTest(
  "kz put --missing asks for each secret that is not found, once, and goes on [F-5.8]",
  async (project) => {
    const canary = makeCanary();
    await project.kz(["put", "HERE", "--stdin"], { stdin: "here" });
    const asked = (name: string) => `Enter value for ${name} (provider: store, ref: ${name.toLowerCase()}): `;
    const steps = [{ wait: asked("A") }, { send: `${canary}\r` }, { wait: asked("B") }, { send: "b\r" }];
    const { screen, status } = await onTerminal(project, ["put", "--missing"], steps);
    assert.equal(status, 5);
    assert.ok(!screen.includes(canary));
    assert.equal(screen.split("Enter value").length, 3);
    assert.match(screen, /error\[PROVIDER_READ_ONLY\]: Cannot store GONE: its provider "env" can only be read/);
    assert.deepEqual([await valueOf(project, "A"), await valueOf(project, "SAME")], [canary, canary]);
  },
  `[secrets]
A = { provider = "store", ref = "a" }
SAME = { provider = "store", ref = "a" }
GONE = { provider = "env", ref = "GONE", optional = true }
B = { provider = "store", ref = "b" }
HERE = { provider = "store", ref = "here" }
`,
);

terminalTest("kz add asks for what is missing [F-5.10]", async (project) => {
  const steps = [{ wait: "Provider [store]: " }, { send: "\n" }, { wait: "Reference [api-key]: " }, {
    send: "my/key\n",
  }];
  assert.equal((await onTerminal(project, ["add", "API_KEY"], steps)).status, 0);
  assert.equal(
    await Deno.readTextFile(`${project.dir}/.keyzero.toml`),
    `${TOML}API_KEY = { provider = "store", ref = "my/key" }\n`,
  );
});

const STDIN: [why: string, stdin: string, value: string][] = [
  ["without the last line break", "a b\n", "a b"],
  ["without the last line break of Windows", "a\r\n", "a"],
  ["with the line breaks before it", "-----BEGIN-----\nx\n\n", "-----BEGIN-----\nx\n"],
  ["whole if there is none", " a", " a"],
];
for (const [why, stdin, value] of STDIN) {
  Deno.test({
    name: `kz put --stdin stores standard input ${why} [F-5.8]`,
    ignore: !UNIX,
    async fn() {
      await using project = await makeProject({ toml: TOML });
      const { status, stdout, stderr } = await project.kz(["put", "TOKEN", "--stdin"], { stdin });
      assert.deepEqual([status, stdout, withoutDeno(stderr)], [
        0,
        "",
        "Stored TOKEN (provider: store, ref: github-pat)\n",
      ]);
      assert.equal(await valueOf(project, "TOKEN"), value);
    },
  });
}

const LONG: [bytes: number, status: number][] = [[64 * 1024, 0], [64 * 1024 + 1, 2]];
for (const [bytes, expected] of LONG) {
  Deno.test(`kz put --stdin ends with ${expected} for ${bytes} bytes`, async () => {
    await using project = await makeProject({ toml: TOML });
    const { status, stderr } = await project.kz(["put", "TOKEN", "--stdin"], { stdin: "a".repeat(bytes) });
    assert.equal(status, expected, stderr);
  });
}

Deno.test("kz put with closed standard input says what to do [F-9.8]", async () => {
  await using project = await makeProject({ toml: TOML });
  const { status, stderr } = await project.kz(["put", "TOKEN"]);
  assert.equal(status, 2);
  assert.match(withoutDeno(stderr), /^error\[USAGE_NO_TERMINAL\].*\n\nhint: .*--stdin/);
});

Deno.test("kz init takes the store where no keychain answers, and kz add edits what it wrote [F-5.9]", async () => {
  await using project = await makeProject();
  const { status, stderr } = await project.kz(["init"]);
  assert.equal(status, 0);
  assert.match(stderr, /provider "store"/);
  const file = `${project.dir}/.keyzero.toml`;
  const before = await Deno.readTextFile(file);
  assert.match(before, /^#:schema \.\/\.keyzero\.schema\.json\n/);
  assert.ok(JSON.parse(await Deno.readTextFile(`${project.dir}/.keyzero.schema.json`)));
  assert.equal((await project.kz(["validate"])).status, 0);
  const args = [
    "add",
    "TOKEN",
    "--provider",
    "store",
    "--ref",
    "github-pat",
    "--hosts",
    "api.github.com,*.example.com",
  ];
  assert.equal((await project.kz(args)).status, 0);
  const line = 'TOKEN = { provider = "store", ref = "github-pat", hosts = ["api.github.com", "*.example.com"] }\n';
  assert.equal(await Deno.readTextFile(file), before + line);
  assert.equal((await project.kz(args)).status, 3);
  assert.equal((await project.kz(["init"])).status, 3);
  assert.equal(await Deno.readTextFile(file), before + line);
});

Deno.test("kz add writes to the local file and to an environment [F-5.10]", async () => {
  await using project = await makeProject({ toml: TOML });
  const add = (...args: string[]) => project.kz(["add", "TOKEN", "--provider", "env", "--ref", "X", ...args]);
  assert.equal((await add("--local")).status, 0);
  assert.equal((await add("--env", "production")).status, 0);
  const line = 'TOKEN = { provider = "env", ref = "X" }\n';
  assert.equal(await Deno.readTextFile(`${project.dir}/.keyzero.local.toml`), `[secrets]\n${line}`);
  assert.equal(await Deno.readTextFile(`${project.dir}/.keyzero.toml`), `${TOML}\n[production.secrets]\n${line}`);
});

Deno.test("kz add changes nothing in a configuration that has a mistake", async () => {
  const toml = `${TOML}[blind]\nkeepenv = []\n`;
  await using project = await makeProject({ toml });
  const { status, stderr } = await project.kz(["add", "NEW", "--provider", "env", "--ref", "NEW"]);
  assert.equal(status, 3);
  assert.match(stderr, /\.keyzero\.toml:4: blind\.keepenv/);
  assert.equal(await Deno.readTextFile(`${project.dir}/.keyzero.toml`), toml);
});

Deno.test({
  name: "kz add leaves the file whole when the disk takes no more [F-9.7]",
  ignore: !UNIX,
  async fn() {
    // One block of 512 bytes is all that a process may write to a file, and it is told so, not ended.
    const toml = `${TOML}# ${"x".repeat(2_000)}\n`;
    await using project = await makeProject({ toml });
    const args = ["add", "NEW", "--provider", "env", "--ref", "NEW"];
    const { file, args: words, env } = await kzCommand(args, project.home);
    const output = await new Deno.Command("sh", {
      args: ["-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh", file, ...words],
      cwd: project.dir,
      env,
      clearEnv: true,
      stdin: "null",
    }).output();
    const stderr = new TextDecoder().decode(output.stderr);
    assert.equal(output.code, 3, stderr);
    assert.match(
      withoutDeno(stderr),
      /^error\[CONFIG_NOT_EDITED\]: Cannot write \.keyzero\.toml: the system reports error 27$/m,
    );
    assert.equal(await Deno.readTextFile(`${project.dir}/.keyzero.toml`), toml);
    const names = (await Array.fromAsync(Deno.readDir(project.dir))).map(({ name }) => name);
    assert.deepEqual(names, [".keyzero.toml"]);
  },
});
