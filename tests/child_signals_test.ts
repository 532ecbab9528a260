import assert from "node:assert/strict";
import { type EntrySetup, hasProgram, makeChildFixture, runWords } from "../cli/child/testdata/child_fixture.ts";

const WINDOWS = Deno.build.os === "windows";
const MODES: readonly [name: string, setup: EntrySetup][] = [["direct", {}], ["redacted", {
  redact: ["canary-5f0c9e"],
}]];

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Reads until the text so far passes the check. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  isEnough: (text: string) => boolean,
): Promise<string> {
  let all = "";
  while (!isEnough(all)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the output ended at ${JSON.stringify(all)}`);
    all += value;
  }
  return all;
}

/** `ready` is written when the traps are set. The loop gives the shell a place to take a signal. */
const waiting = (traps: string) => `${traps}; echo ready; while :; do sleep 0.02; done`;

async function signalled(setup: EntrySetup, options: { script: string; signal: Deno.Signal }) {
  using fixture = makeChildFixture();
  const [program, ...args] = fixture.words(setup, ["sh", "-c", options.script]);
  await using child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await readUntil(reader, (all) => all.includes("ready\n"));
  child.kill(options.signal);
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
  return { rest, status: (await child.status).code };
}

const relayed: readonly Deno.Signal[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGCONT",
];

for (const [mode, setup] of MODES) {
  for (const signal of relayed) {
    Deno.test({
      name: `runChild() ${mode}: without a terminal relays ${signal}, once, and ends with the child's status [F-4.4]`,
      ignore: WINDOWS,
      async fn() {
        // The second sleep would let a second signal be counted.
        const script = waiting(`n=0; trap 'n=$((n+1)); sleep 0.2; echo got $n; exit 9' ${signal.slice(3)}`);
        assert.deepEqual(await signalled(setup, { script, signal }), { rest: "got 1\n", status: 9 });
      },
    });
  }

  Deno.test({
    name: `runChild() ${mode}: outlives a signal that the child ignores`,
    ignore: WINDOWS,
    async fn() {
      const script = "trap '' TERM; echo ready; sleep 0.3; echo end; exit 6";
      assert.deepEqual(await signalled(setup, { script, signal: "SIGTERM" }), { rest: "end\n", status: 6 });
    },
  });

  Deno.test({
    name: `runChild() ${mode}: gives 128 + n when the relayed signal ends the child`,
    ignore: WINDOWS,
    async fn() {
      const outcome = await signalled(setup, { script: "echo ready; exec sleep 20", signal: "SIGTERM" });
      assert.deepEqual(outcome, { rest: "", status: 143 });
    },
  });

  Deno.test({
    name: `runChild() ${mode}: stops with the child on SIGTSTP and goes on with it on SIGCONT [F-4.4]`,
    ignore: WINDOWS || !hasProgram("ps"),
    async fn() {
      using fixture = makeChildFixture();
      const script = 'echo "$$"; while :; do sleep 0.02; test -e "$0" && exit 8; done';
      const flag = `${fixture.directory}/go`;
      const [program, ...args] = fixture.words(setup, ["sh", "-c", script, flag]);
      await using child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const pid = Number(await readUntil(reader, (all) => all.endsWith("\n")));
      // A process group that is alone ignores SIGTSTP: the shell below is told directly what a terminal would tell it.
      child.kill("SIGTSTP");
      await untilState(child.pid, /^T/);
      await untilState(pid, /^T/);
      child.kill("SIGCONT");
      await untilState(pid, /^[^T]/);
      await untilState(child.pid, /^[^T]/);
      Deno.writeTextFileSync(flag, "");
      assert.equal((await child.status).code, 8);
      await reader.cancel();
    },
  });
}

/** Waits until `ps` shows a process in a state; fails after five seconds. */
async function untilState(pid: number, state: RegExp): Promise<void> {
  const end = performance.now() + 5000;
  while (true) {
    const { stdout } = await runWords(["ps", "-o", "stat=", "-p", String(pid)]);
    if (state.test(text(stdout))) return;
    assert.ok(performance.now() < end, `process is in state ${JSON.stringify(text(stdout))} and not ${state}`);
  }
}

for (const signal of ["HUP", "INT", "QUIT"]) {
  Deno.test({
    name: `runChild() lets the child inherit an ignored SIG${signal}, as under nohup [F-4.4]`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      // Deno takes a signal over in two steps, between which it would end us; the child lets that moment pass.
      const script = `kill -${signal} $$; sleep 0.5; kill -${signal} $PPID; sleep 0.2; echo alive`;
      const words = fixture.words({}, ["sh", "-c", script]);
      const outcome = await runWords(["sh", "-c", `trap '' ${signal}; exec "$@"`, "sh", ...words]);
      assert.deepEqual([text(outcome.stdout), outcome.status], ["alive\n", 0]);
    },
  });
}

Deno.test({
  name: "runChild() redacted: passes what is written after the child's end, until a signal asks to end",
  ignore: WINDOWS,
  async fn() {
    using fixture = makeChildFixture();
    const script = "(sleep 0.2; echo late; exec sleep 20) & echo $!; exit 4";
    const [program, ...args] = fixture.words({ redact: ["canary-5f0c9e"] }, ["sh", "-c", script]);
    await using child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const output = await readUntil(reader, (all) => all.includes("late"));
    child.kill("SIGINT");
    assert.equal((await child.status).code, 4);
    await reader.cancel();
    Deno.kill(Number(output.split("\n")[0]), "SIGKILL");
  },
});
