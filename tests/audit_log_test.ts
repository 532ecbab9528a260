import assert from "node:assert/strict";
import { join } from "node:path";
import { deriveAuditKey } from "../cli/server/audit/audit_key.ts";
import { sealLine } from "../cli/server/audit/audit_line.ts";
import { linesOf, logDirectory, numbered, openLog, writeLog } from "../cli/server/audit/testing/open_log.ts";
import { parseHost } from "../policy/host.ts";
import { parseResourceRef } from "../policy/server/resource_ref.ts";
import { kz, kzCommand, makeHome } from "./support/kz.ts";

const KEY_HEX = "0f".repeat(32);
const KEY = await deriveAuditKey(new Uint8Array(32).fill(0x0f));

/** A log of a genesis line, a denied `resolve`, an allowed `fetch` and a token that was refused. */
async function exampleLog(path: string, key?: Uint8Array<ArrayBuffer>): Promise<void> {
  await using log = await openLog(path, key);
  const [ref, host] = [parseResourceRef("github/pat"), parseHost("api.github.com")];
  const who = { issuer: "internal", subject: "agent" };
  await log.audit.append({
    event: "resolve",
    outcome: "denied",
    code: "POLICY_DENIED",
    ...who,
    policy: "default-deny",
  });
  await log.audit.append({
    event: "fetch",
    outcome: "allowed",
    ...who,
    ref,
    host,
    method: "GET",
    port: 443,
    status: 200,
  });
  await log.audit.append({ event: "swap", outcome: "denied", code: "TOKEN_EXPIRED", tokenId: "k7" });
}

const headOf = (path: string) => String(linesOf(path).at(-1)!["hash"]);

Deno.test("kz audit verify says that a log is whole, and its head [S-7.1]", async () => {
  using directory = logDirectory();
  await exampleLog(directory.log);
  const head = headOf(directory.log);
  assert.deepEqual(await kz(["audit", "verify", directory.log]), {
    status: 0,
    stdout:
      `Whole: 4 lines, 1 to 4\nMACs: none; who may write the file could have written all of it anew\nHead: ${head}\n`,
    stderr: "",
  });
  const { status, stdout } = await kz(["audit", "verify", "audit.log", "--head", head, "--json"], {
    cwd: directory.path,
  });
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), {
    whole: true,
    lines: 4,
    firstSeq: 1,
    lastSeq: 4,
    head,
    continues: null,
    macs: "none",
  });
});

Deno.test("TM-27 kz audit verify ends with 4, names the line and shows nothing of it [S-7.1]", async () => {
  using directory = logDirectory();
  await exampleLog(directory.log);
  Deno.writeTextFileSync(directory.log, Deno.readTextFileSync(directory.log).replace("default-deny", "kz-canary-1c"));
  assert.deepEqual(await kz(["audit", "verify", "audit.log"], { cwd: directory.path }), {
    status: 4,
    stdout: "",
    stderr: `error[AUDIT_BROKEN]: Cannot trust audit log "${
      join(directory.path, "audit.log")
    }": line 2: it was changed after it was written\n`,
  });
  const json = await kz(["audit", "verify", "audit.log", "--json"], { cwd: directory.path });
  assert.equal(json.status, 4);
  assert.deepEqual(JSON.parse(json.stdout), { whole: false, file: directory.log, line: 2, fault: "edited" });
});

Deno.test("TM-27 kz audit verify --head notices that lines were cut off at the end [S-7.1]", async () => {
  using directory = logDirectory();
  await exampleLog(directory.log);
  const head = headOf(directory.log);
  const lines = Deno.readTextFileSync(directory.log).split("\n");
  Deno.writeTextFileSync(directory.log, `${lines.slice(0, 3).join("\n")}\n`);
  assert.equal((await kz(["audit", "verify", directory.log])).status, 0);
  const { status, stderr } = await kz(["audit", "verify", directory.log, "--head", head]);
  assert.equal(status, 4);
  assert.match(stderr, /the head that was given is not in it/);
});

Deno.test("TM-27 kz audit verify --key-file finds what was chained anew without the key [S-7.1]", async () => {
  using directory = logDirectory();
  const keyFile = join(directory.path, "key");
  Deno.writeTextFileSync(keyFile, `${KEY_HEX}\n`);
  await exampleLog(directory.log, KEY);
  const unchecked = await kz(["audit", "verify", directory.log]);
  assert.match(unchecked.stdout, /MACs: not checked; give the server's key with --key-file\n/);
  const checked = await kz(["audit", "verify", directory.log, "--key-file", keyFile]);
  assert.match(checked.stdout, /MACs: every line was written with this key\n/);
  const { seq, hash } = linesOf(directory.log).at(-1)!;
  const forged = sealLine({ fields: { event: "resolve", outcome: "allowed" }, at: 0 }, {
    seq: Number(seq),
    hash: String(hash),
  }, { run: "0123456789abcdef", key: undefined });
  Deno.writeTextFileSync(directory.log, `${forged.text}\n`, { append: true });
  assert.equal((await kz(["audit", "verify", directory.log])).status, 0);
  const found = await kz(["audit", "verify", directory.log, "--key-file", keyFile]);
  assert.equal(found.status, 4);
  assert.match(found.stderr, /line 5: it has no MAC/);
  // A file with base64 is the same key; one with something else is none, and is not shown.
  Deno.writeTextFileSync(keyFile, btoa("\x0f".repeat(32)));
  assert.match((await kz(["audit", "verify", directory.log, "--key-file", keyFile])).stderr, /line 5: it has no MAC/);
  Deno.writeTextFileSync(keyFile, "kz-canary-key");
  const invalid = await kz(["audit", "verify", directory.log, "--key-file", keyFile]);
  assert.equal(invalid.status, 3);
  assert.match(invalid.stderr, /^error\[SERVER_KEY_INVALID\]: Cannot read server key: /);
  assert.ok(!invalid.stderr.includes("canary"));
});

Deno.test("kz audit verify reads rotated files as one chain [S-7.1]", async () => {
  using directory = logDirectory();
  const old = `${directory.log}.1`;
  {
    await using log = await openLog(directory.log);
    await log.audit.append(numbered(1));
    Deno.renameSync(directory.log, old);
    await log.audit.reopen();
    await log.audit.append(numbered(2));
  }
  assert.match((await kz(["audit", "verify", old, directory.log])).stdout, /^Whole: 4 lines in 2 files, 1 to 4\n/);
  assert.match(
    (await kz(["audit", "verify", directory.log])).stdout,
    /^Whole: 2 lines, 3 to 4\nContinues a file whose/,
  );
  assert.match((await kz(["audit", "verify", directory.log, "--head", headOf(old)])).stdout, /^Whole/);
  assert.equal((await kz(["audit", "verify", directory.log, old])).status, 4);
});

const USAGE: readonly (readonly [why: string, args: readonly string[], status: number, message: string])[] = [
  ["without a file", ["verify"], 2, 'Cannot run "kz audit verify": an argument is missing'],
  ["with a head that is none", ["verify", "x", "--head", "kz-canary"], 2, "--head is not 64 hexadecimal digits"],
  ["of a file that is not there", ["verify", "absent.log"], 3, "Cannot read audit log: there is no such file"],
  ["of a directory", ["verify", "."], 3, "Cannot read audit log: "],
  ["of a file that is not there", ["tail", "absent.log"], 3, "Cannot read audit log: there is no such file"],
  ["of a directory", ["tail", "."], 3, "Cannot read audit log: "],
  ["with too many lines", ["tail", "x", "--lines", "10001"], 2, "--lines is not a number from 0 to 10000"],
  ["with lines that are no number", ["tail", "x", "--lines", "all"], 2, "--lines is not a number from 0 to 10000"],
];
for (const [why, args, status, message] of USAGE) {
  Deno.test(`kz audit ${args[0]} ${why} ends with ${status}`, async () => {
    const result = await kz(["audit", ...args]);
    assert.equal(result.status, status);
    assert.ok(result.stderr.includes(message) && !result.stderr.includes("canary"), result.stderr);
    assert.equal(result.stdout, "");
  });
}

Deno.test("kz audit tail shows time, outcome, who, what, policy, host and code of the last lines [S-7.3]", async () => {
  using directory = logDirectory();
  await exampleLog(directory.log);
  const { status, stdout, stderr } = await kz(["audit", "tail", directory.log, "--lines", "3"]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(
    stdout.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gm, "<time>"),
    "<time>  denied   resolve  agent (internal)  policy default-deny  POLICY_DENIED\n" +
      "<time>  allowed  fetch    agent (internal)  github/pat  GET api.github.com:443  200\n" +
      "<time>  denied   swap     token k7  TOKEN_EXPIRED\n",
  );
  const json = await kz(["audit", "tail", directory.log, "--lines", "1", "--json"]);
  assert.equal(JSON.parse(json.stdout).tokenId, "k7");
  assert.equal((await kz(["audit", "tail", directory.log])).stdout.split("\n").length, 5);
  assert.equal((await kz(["audit", "tail", directory.log, "--lines", "0"])).stdout, "");
});

Deno.test("TM-30 kz audit tail lets nothing through that steers a terminal, and warns of what was changed [S-7.3]", async () => {
  using directory = logDirectory();
  await writeLog(directory.log, [{ event: "resolve", outcome: "denied", subject: "\x1b[2J\u009b31m\u202eevil\n" }]);
  const log = Deno.readTextFileSync(directory.log);
  const shown = await kz(["audit", "tail", directory.log]);
  assert.match(shown.stdout, /�\[2J�31m�evil�\n$/);
  Deno.writeTextFileSync(directory.log, log.replace('"outcome":"denied"', '"outcome":"\u009ballowed"'));
  for (const more of [[], ["--json"]]) {
    const { status, stdout, stderr } = await kz(["audit", "tail", directory.log, ...more]);
    assert.equal(status, 4);
    assert.equal(stderr, "warning: the next line: it was changed after it was written\n");
    // deno-lint-ignore no-control-regex
    assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(stdout), JSON.stringify(stdout));
  }
});

Deno.test({
  name: "kz audit tail --follow shows lines as they come, also after a rotation, and ends with 130 on SIGINT [S-7.3]",
  ignore: Deno.build.os === "windows",
  async fn() {
    using directory = logDirectory();
    const home = await makeHome();
    try {
      await using log = await openLog(directory.log);
      await log.audit.append(numbered(1));
      const { file, args, env } = await kzCommand(["audit", "tail", directory.log, "--follow", "--lines", "1"], home);
      await using child = new Deno.Command(file, { args, env, clearEnv: true, stdout: "piped", stderr: "inherit" })
        .spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let seen = "";
      const until = async (text: string) => {
        while (!seen.includes(text)) {
          const { done, value } = await reader.read();
          assert.ok(!done, `${text} did not come`);
          seen += value;
        }
      };
      await until("agent-1");
      await log.audit.append(numbered(2));
      await until("agent-2");
      Deno.renameSync(directory.log, `${directory.log}.1`);
      await log.audit.append(numbered(3));
      await log.audit.reopen();
      await log.audit.append(numbered(4));
      await until("agent-4");
      assert.deepEqual(seen.match(/agent-\d/g), ["agent-1", "agent-2", "agent-3", "agent-4"]);
      child.kill("SIGINT");
      assert.equal((await child.status).code, 130);
      await reader.cancel();
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});
