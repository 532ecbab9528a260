import assert from "node:assert/strict";
import {
  type EntrySetup,
  hasProgram,
  makeChildFixture,
  runOnTerminal,
  type TerminalStep,
} from "../cli/child/testdata/child_fixture.ts";

const CANARY = "canary-5f0c9e";
const PYTHON = Deno.build.os !== "windows" && hasProgram("python3");
/** The one of util-linux; the BSD one was not tried. */
const SCRIPT = PYTHON && Deno.build.os === "linux" && hasProgram("script");
const BASH = hasProgram("bash");

const MODES: readonly [name: string, setup: EntrySetup, canRun: boolean][] = [
  ["direct", {}, PYTHON],
  ["redacted", { redact: [CANARY] }, SCRIPT],
];

/** Runs a shell script under the entry, on a terminal of 24 rows and 80 columns. */
async function onTerminal(
  setup: EntrySetup,
  options: { script: string; args?: readonly string[]; steps?: readonly TerminalStep[] },
): Promise<{ readonly screen: string; readonly status: number }> {
  using fixture = makeChildFixture();
  const words = fixture.words(setup, ["sh", "-c", options.script, "sh", ...options.args ?? []]);
  return await runOnTerminal(words, options.steps ?? []);
}

/** Counts a signal for half a second after `ready`, then tells how often it came. A shell would count two at once as one. */
const counting = (signal: string) =>
  `exec python3 -c '
import signal, time
count = 0
def heard(*_):
    global count
    count += 1
signal.signal(signal.SIG${signal}, heard)
print("ready", flush=True)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    time.sleep(0.01)
print("got", count)
'`;

for (const [mode, setup, canRun] of MODES) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `runChild() ${mode}, on a terminal: ${name}`, ignore: !canRun, fn });

  test("the child has a terminal of the same size [F-4.3]", async () => {
    const script = "test -t 0 && test -t 1 && test -t 2 && stty size; exit 42";
    assert.deepEqual(await onTerminal(setup, { script }), { screen: "24 80\r\n", status: 42 });
  });

  test("the child hears of a new size", async () => {
    const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done";
    const { screen } = await onTerminal(setup, { script, steps: [{ wait: "ready\r\n" }, { size: [33, 77] }] });
    assert.ok(screen.startsWith("ready\r\n33 77\r\n"), JSON.stringify(screen));
  });

  const keys: readonly [key: string, signal: string, text: string][] = [["Ctrl-C", "INT", "\x03"], [
    "Ctrl-\\",
    "QUIT",
    "\x1c",
  ]];
  for (const [key, signal, sent] of keys) {
    test(`${key} reaches the child once [F-4.4]`, async () => {
      const steps = [{ wait: "ready" }, { send: sent }];
      const { screen, status } = await onTerminal(setup, { script: counting(signal), steps });
      // The terminal may be itself again when the last line comes, and add a second "\r".
      assert.match(screen, /got 1\r+\n/);
      assert.equal(status, 0);
    });
  }

  test("Ctrl-C that the child does not catch gives 130", async () => {
    const steps = [{ wait: "ready" }, { send: "\x03" }];
    assert.equal((await onTerminal(setup, { script: "echo ready; exec sleep 20", steps })).status, 130);
  });

  test("Ctrl-Z does nothing where no shell could go on with the job", async () => {
    const steps = [{ wait: "ready" }, { send: "\x1a" }];
    const { screen, status } = await onTerminal(setup, {
      script: "echo ready; sleep 0.4; echo finished; exit 7",
      steps,
    });
    assert.match(screen, /finished\r\n/);
    assert.equal(status, 7);
  });

  test("what is typed reaches the child, and Ctrl-D ends its input", async () => {
    const steps = [{ wait: "ready" }, { send: "typed\n" }, { wait: "<typed>" }, { send: "\x04" }, { wait: "end" }];
    const script = 'echo ready; while read -r line; do echo "<$line>"; done; echo end';
    assert.equal((await onTerminal(setup, { script, steps })).status, 0);
  });

  test("a program in raw mode gets Ctrl-C as a byte", async () => {
    const script = "stty raw -echo; echo ready; dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane";
    const steps = [{ wait: "ready" }, { send: "\x03" }, { wait: "03" }];
    assert.equal((await onTerminal(setup, { script, steps })).status, 0);
  });

  test("arguments arrive byte for byte", async () => {
    const args = ["", " a ", "it's", '"q"', "$HOME `id`", "\\n\\", "new\nline", "é✓", "-n", "*", "--", "!x"];
    const { screen } = await onTerminal(setup, { script: 'stty raw; printf "[%s]" "$@"; stty sane', args });
    assert.equal(screen, args.map((word) => `[${word}]`).join(""));
  });

  test("the child has its own SHELL and nothing of ours", async () => {
    const env = { SHELL: "/bin/of-the-child", MARK: "it's" };
    // Without a shell in between: what "env" sees is what the child was given.
    using fixture = makeChildFixture();
    const { screen } = await runOnTerminal(fixture.words({ ...setup, env }, ["env"]), []);
    const names = screen.split("\r\n").filter((line) => line !== "" && !line.startsWith("_="));
    assert.deepEqual(names.map((line) => line.split("=")[0]).toSorted(), ["HOME", "MARK", "PATH", "SHELL", "TERM"]);
    assert.ok(screen.includes("SHELL=/bin/of-the-child\r\n") && screen.includes("MARK=it's\r\n"), screen);
  });

  test("the child has no SHELL when it is given none", async () => {
    using fixture = makeChildFixture();
    const { screen } = await runOnTerminal(fixture.words(setup, ["env"]), []);
    assert.ok(!screen.includes("SHELL"), screen);
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) {
    test(`${signal} sent to kz is relayed once`, async () => {
      const steps = [{ wait: "ready" }, { signal }];
      const { screen, status } = await onTerminal(setup, { script: counting(signal.slice(3)), steps });
      // The terminal may be itself again when the last line comes, and add a second "\r".
      assert.match(screen, /got 1\r+\n/);
      assert.equal(status, 0);
    });
  }

  test("the status is 128 + n when a relayed signal ends the child", async () => {
    const steps = [{ wait: "ready" }, { signal: "SIGTERM" }];
    assert.equal((await onTerminal(setup, { script: "echo ready; exec sleep 20", steps })).status, 143);
  });

  Deno.test({
    name: `runChild() ${mode}, on a terminal: leaves the terminal's settings as they were [F-4.3]`,
    ignore: !canRun || !BASH,
    async fn() {
      using fixture = makeChildFixture();
      const words = fixture.words(setup, ["true"]);
      const script = 'a=$(stty -g); "$@"; b=$(stty -g); test "$a" = "$b" && echo same || echo "$a to $b"';
      const { screen } = await runOnTerminal(["bash", "-c", script, "bash", ...words], []);
      assert.equal(screen, "same\r\n");
    },
  });
}

Deno.test({
  name: "runChild() direct, on a terminal: an interrupt sent to kz alone is survived and not relayed",
  ignore: !PYTHON,
  async fn() {
    const steps = [{ wait: "ready" }, { signal: "SIGINT" }];
    const { screen, status } = await onTerminal({}, { script: counting("INT"), steps });
    assert.match(screen, /got 0\r\n/);
    assert.equal(status, 0);
  },
});

Deno.test({
  name: "runChild() direct, on a terminal: Ctrl-Z stops the job for the shell, and fg goes on with it [F-4.4]",
  ignore: !PYTHON || !BASH,
  async fn() {
    using fixture = makeChildFixture();
    // Not a shell: one that is just starting a program waits for that, uninterruptibly, and is not seen to stop.
    const child = `
import sys, time
print("ready", flush=True)
for _ in range(40): time.sleep(0.02)
print("finished", flush=True)
sys.exit(7)`;
    const words = fixture.words({}, ["python3", "-c", child]);
    // Job control makes each command a process group of its own, as an interactive shell does.
    const script = `set -m; "$@"; echo "stopped with $?"; sleep 1; echo "going on"
      fg >/dev/null; echo "again $?"; fg >/dev/null; echo "ended with $?"`;
    const { screen } = await runOnTerminal(["bash", "-c", script, "bash", ...words], [
      { wait: "ready" },
      { send: "\x1a" },
      { wait: "stopped with 147" },
      { wait: "going on" },
      { sleepMs: 200 },
      { send: "\x1a" },
      { wait: "again 147" },
      { wait: "finished" },
      { wait: "ended with 7" },
    ]);
    // The child itself stood still: it would have finished within the second.
    assert.ok(screen.indexOf("finished") > screen.indexOf("going on"), screen);
  },
});

Deno.test({
  name: "TM-07 runChild() redacted, on a terminal: replaces a value, also one written in parts [F-4.6]",
  ignore: !SCRIPT,
  async fn() {
    const script = 'echo "a $T b"; printf canary-; sleep 0.3; echo 5f0c9e; echo "$T" >&2; printf "%s" "$T"';
    const { screen } = await onTerminal({ redact: [CANARY], env: { T: CANARY } }, { script });
    assert.equal(screen, "a [redacted] b\r\n[redacted]\r\n[redacted]\r\n[redacted]");
  },
});

Deno.test({
  name: "runChild() redacted, on a terminal: a prompt is shown before it is answered",
  ignore: !SCRIPT,
  async fn() {
    const script = 'printf "Name? "; read -r name; echo "hello $name"';
    const steps = [{ wait: "Name? " }, { send: "kz\n" }, { wait: "hello kz" }];
    assert.equal((await onTerminal({ redact: [CANARY] }, { script, steps })).status, 0);
  },
});

Deno.test({
  name: "runChild() redacted, on a terminal: no process has the value in its arguments [F-4.6]",
  ignore: !SCRIPT,
  async fn() {
    // The pattern does not match itself.
    const script = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c 'canary[-]5f0c9e'";
    const { screen } = await onTerminal({ redact: [CANARY], env: { T: CANARY } }, { script });
    assert.equal(screen, "0\r\n");
  },
});

Deno.test({
  name: "runChild() redacted: a redirected stream means pipes for both",
  ignore: !SCRIPT || !BASH,
  async fn() {
    using fixture = makeChildFixture();
    const look = "test -t 0 && echo in >&2; test -t 1 && echo out >&2; test -t 2 && echo err >&2; exit 0";
    const words = fixture.words({ redact: [CANARY] }, ["sh", "-c", look]);
    const { screen } = await runOnTerminal(["bash", "-c", '"$@" >/dev/null', "bash", ...words], []);
    assert.equal(screen, "in\r\n");
  },
});

const WARNING = 'warning: the child gets pipes and no terminal: "script" of util-linux is needed to redact one\r\n';
const substitutes: readonly [why: string, script: string | undefined][] = [
  ["there is no script", undefined],
  ["script cannot do it", "#!/bin/sh\necho usage; exit 1\n"],
];

for (const [why, substitute] of substitutes) {
  Deno.test({
    name: `runChild() redacted, on a terminal: uses pipes and says so when ${why}`,
    ignore: !PYTHON,
    async fn() {
      using fixture = makeChildFixture();
      if (substitute !== undefined) Deno.writeTextFileSync(`${fixture.directory}/script`, substitute, { mode: 0o755 });
      const setup = { redact: [CANARY], env: { PATH: "/usr/bin:/bin", T: CANARY } };
      const words = fixture.words(setup, ["sh", "-c", 'test -t 1 || echo "piped $T"; exit 5']);
      const outcome = await runOnTerminal(["/usr/bin/env", `PATH=${fixture.directory}`, ...words], []);
      assert.deepEqual(outcome, { screen: `${WARNING}piped [redacted]\r\n`, status: 5 });
    },
  });
}
