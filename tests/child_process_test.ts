import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  type ChildFixture,
  type EntrySetup,
  hasProgram,
  makeChildFixture,
  runWords,
} from "../cli/child/testdata/child_fixture.ts";

const WINDOWS = Deno.build.os === "windows";
const NODE = hasProgram("node");
const CANARY = "canary-5f0c9e";
const MEBIBYTE = 2 ** 20;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Random, so that no encoding survives by luck; in parts, since one call gives at most 64 KiB. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

function run(fixture: ChildFixture, options: { setup?: EntrySetup; command: readonly string[]; stdin?: Uint8Array }) {
  return runWords(
    fixture.words(options.setup ?? {}, options.command),
    options.stdin === undefined ? {} : { stdin: options.stdin },
  );
}

const MODES: readonly [name: string, setup: EntrySetup][] = [["direct", {}], ["redacted", { redact: [CANARY] }]];

const statuses: readonly [why: string, script: string, status: number][] = [
  ["0", "exit 0", 0],
  ["1", "exit 1", 1],
  ["42", "exit 42", 42],
  ["255", "exit 255", 255],
  ["128 + 15 after SIGTERM", "kill -TERM $$", 143],
  ["128 + 9 after SIGKILL", "kill -KILL $$", 137],
  ["128 + 6 after SIGABRT", "kill -ABRT $$", 134],
];

for (const [mode, setup] of MODES) {
  for (const [why, script, status] of statuses) {
    Deno.test({
      name: `runChild() ${mode}: ends with ${why} [F-4.5]`,
      ignore: WINDOWS,
      async fn() {
        using fixture = makeChildFixture();
        const outcome = await run(fixture, { setup, command: ["sh", "-c", script] });
        assert.deepEqual([outcome.status, text(outcome.stdout), text(outcome.stderr)], [status, "", ""]);
      },
    });
  }

  Deno.test({
    name: `runChild() ${mode}: passes 1 MiB of any bytes in and out [F-4.2]`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      const stdin = randomBytes(MEBIBYTE);
      const outcome = await run(fixture, { setup, command: ["sh", "-c", "tee /dev/stderr"], stdin });
      assert.equal(outcome.status, 0);
      assert.ok(Buffer.compare(stdin, outcome.stdout) === 0, "stdout differs");
      assert.ok(Buffer.compare(stdin, outcome.stderr) === 0, "stderr differs");
    },
  });

  Deno.test({
    name: `runChild() ${mode}: serves a Node program that answers line by line [F-4.2]`,
    ignore: !NODE,
    async fn() {
      using fixture = makeChildFixture();
      const server = 'require("readline").createInterface({input:process.stdin}).on("line",(l)=>console.log("re:"+l))';
      const [program, ...args] = fixture.words(setup, ["node", "-e", server]);
      await using child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const writer = child.stdin.getWriter();
      for (const id of ["1", "2", "3"]) {
        // Each answer is awaited while stdin stays open: nothing may wait for a full buffer.
        await writer.write(new TextEncoder().encode(`{"id":${id}}\n`));
        assert.equal((await lines.read()).value, `re:{"id":${id}}\n`);
      }
      await writer.close();
      assert.equal((await lines.read()).done, true);
      assert.equal((await child.status).code, 0);
    },
  });

  Deno.test({
    name: `runChild() ${mode}: gives the child exactly its environment`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      const env = {
        PATH: "/usr/bin:/bin",
        TERM: "dumb",
        HOME: "/",
        "A.B": "1",
        LINES_OF: "x\ny",
        EMPTY: "",
        UTF: "é✓",
      };
      const outcome = await run(fixture, { setup: { ...setup, env }, command: ["env", "-0"] });
      const seen = text(outcome.stdout).split("\0").filter((entry) => entry !== "").toSorted();
      assert.deepEqual(seen, Object.entries(env).map(([name, value]) => `${name}=${value}`).toSorted());
    },
  });

  Deno.test({
    name: `runChild() ${mode}: passes arguments byte for byte`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      const args = ["", " a ", "it's", '"q"', "$HOME", "\\", "new\nline", "é✓", "-n", "*", "--"];
      const outcome = await run(fixture, { setup, command: ["sh", "-c", 'printf "%s\\0" "$@"', "sh", ...args] });
      assert.equal(text(outcome.stdout), args.map((word) => `${word}\0`).join(""));
    },
  });

  Deno.test({
    name: `runChild() ${mode}: ends when its reader has gone`,
    ignore: WINDOWS || !hasProgram("bash"),
    async fn() {
      using fixture = makeChildFixture();
      const words = fixture.words(setup, ["yes"]);
      const outcome = await runWords(["bash", "-c", '"$@" | head -1; echo "${PIPESTATUS[0]}"', "bash", ...words]);
      // 128 + 13: the child is told by SIGPIPE as it would be without us.
      assert.deepEqual([text(outcome.stdout), text(outcome.stderr)], ["y\n141\n", ""]);
    },
  });

  Deno.test({
    name: `runChild() ${mode}: works with a closed stdin`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      const words = fixture.words(setup, ["sh", "-c", "cat; echo end"]);
      const outcome = await runWords(["sh", "-c", 'exec "$@" <&-', "sh", ...words]);
      assert.deepEqual([text(outcome.stdout), outcome.status], ["end\n", 0]);
    },
  });
}

Deno.test({
  name: "runChild() gives 128 + n for a real-time signal",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using fixture = makeChildFixture();
    assert.equal((await run(fixture, { command: ["sh", "-c", "kill -40 $$"] })).status, 168);
  },
});

Deno.test({
  name: "runChild() hands an inherited file descriptor on",
  ignore: WINDOWS,
  async fn() {
    using fixture = makeChildFixture();
    const words = fixture.words({}, ["sh", "-c", "cat <&7"]);
    const outcome = await runWords([
      "sh",
      "-c",
      'echo seven >"$0"; exec "$@" 7<"$0"',
      `${fixture.directory}/7`,
      ...words,
    ]);
    assert.equal(text(outcome.stdout), "seven\n");
  },
});

const refusals: readonly [why: string, command: string, status: number, code: string][] = [
  ["a name that is not found", "no-such-program", 127, "CHILD_NOT_FOUND"],
  ["a path that is not found", "./no-such-program", 127, "CHILD_NOT_FOUND"],
  ["a directory", "/", 126, "CHILD_NOT_EXECUTABLE"],
  ["a missing interpreter", "D/lost", 126, "CHILD_NOT_EXECUTABLE"],
  ["a script without an interpreter line", "D/bare", 126, "CHILD_NOT_EXECUTABLE"],
  ["a file that is not executable", "D/data", 126, "CHILD_NOT_EXECUTABLE"],
];

for (const [why, command, status, code] of refusals) {
  Deno.test({
    name: `runChild() ends with ${status} for ${why} [F-4.5]`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      Deno.writeTextFileSync(`${fixture.directory}/lost`, "#!/no/such/interpreter\n", { mode: 0o755 });
      Deno.writeTextFileSync(`${fixture.directory}/bare`, "echo bare\n", { mode: 0o755 });
      Deno.writeTextFileSync(`${fixture.directory}/data`, "#!/bin/sh\n", { mode: 0o644 });
      const outcome = await run(fixture, { command: [command.replace("D/", `${fixture.directory}/`)] });
      assert.equal(outcome.status, status);
      assert.ok(text(outcome.stderr).startsWith(`error[${code}]: Cannot run `), text(outcome.stderr));
      assert.match(text(outcome.stderr), /\nhint: /);
      assert.equal(text(outcome.stdout), "");
    },
  });
}

const environments: readonly [why: string, env: Record<string, string>][] = [
  ["a NUL byte in a value", { TOKEN: `${CANARY}\0x` }],
  ["an equals sign in a name", { [`A=${CANARY}`]: "x" }],
  ["an empty name", { "": CANARY }],
];

for (const [why, env] of environments) {
  Deno.test({
    name: `runChild() refuses ${why} and does not show it`,
    ignore: WINDOWS,
    async fn() {
      using fixture = makeChildFixture();
      const outcome = await run(fixture, { setup: { env }, command: ["true"] });
      assert.equal(outcome.status, 3);
      assert.match(text(outcome.stderr), /^error\[CHILD_ENVIRONMENT_INVALID\]: Cannot start child: /);
      assert.ok(!text(outcome.stderr).includes(CANARY));
    },
  });
}

Deno.test({
  name: "TM-07 runChild() redacted: replaces a value on both streams, also one written in parts [F-4.6]",
  ignore: WINDOWS,
  async fn() {
    using fixture = makeChildFixture();
    const script = 'echo "$T"; printf canary-; sleep 0.3; echo 5f0c9e; echo "x${T}x" >&2; printf "%s" "$T"';
    const outcome = await run(fixture, {
      setup: { redact: [CANARY], env: { T: CANARY } },
      command: ["sh", "-c", script],
    });
    assert.equal(text(outcome.stdout), "[redacted]\n[redacted]\n[redacted]");
    assert.equal(text(outcome.stderr), "x[redacted]x\n");
  },
});

Deno.test({
  name: "runChild() reports the status and how long the child ran",
  ignore: WINDOWS,
  async fn() {
    using fixture = makeChildFixture();
    const report = `${fixture.directory}/end.json`;
    await run(fixture, { setup: { report }, command: ["sh", "-c", "sleep 0.2; exit 3"] });
    const end = JSON.parse(Deno.readTextFileSync(report));
    assert.equal(end.status, 3);
    assert.ok(end.durationMs >= 200, `${end.durationMs} ms`);
  },
});
