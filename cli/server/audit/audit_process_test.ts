// Long: one table and one test for each thing that a worker owes, on real files.
import assert from "node:assert/strict";
import { join } from "node:path";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { sealLine } from "./audit_line.ts";
import { auditPermissions } from "./audit_process.ts";
import type { SinkAddress } from "./sink_address.ts";
import { deriveAuditKey } from "./audit_key.ts";
import { linesOf, logDirectory, numbered, numberedEvents, openLog, wholeChain, writeLog } from "./testing/open_log.ts";

const POSIX = Deno.build.os !== "windows";
const CANARY = "kz-canary-6d1f5c";
const JWT = `eyJhbGciOiJSUzI1NiJ9.${btoa(CANARY)}.c2lnbmF0dXJl`;

/** Starts a worker that must not come up. */
async function refusalOf(path: string, key?: Uint8Array<ArrayBuffer>): Promise<{ code: string; message: string }> {
  try {
    await using log = await openLog(path, key);
    assert.fail(`it was opened: ${log.audit.head?.seq}`);
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && typeof error.code === "string", String(error));
    return { code: error.code, message: error.message };
  }
}

Deno.test("AuditProcess writes a genesis line and one line an event, for its owner alone [S-7.2]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  await log.audit.append({ event: "resolve", outcome: "denied", code: "POLICY_DENIED", policy: "default-deny" });
  const lines = linesOf(directory.log);
  assert.deepEqual(lines.map(({ seq, event, outcome, code, policy }) => ({ seq, event, outcome, code, policy })), [
    { seq: 1, event: "genesis", outcome: undefined, code: undefined, policy: undefined },
    { seq: 2, event: "resolve", outcome: "denied", code: "POLICY_DENIED", policy: "default-deny" },
  ]);
  assert.ok(Math.abs(Date.parse(String(lines[1]!["at"])) - Date.now()) < 10_000);
  if (POSIX) assert.equal(Deno.statSync(directory.log).mode! & 0o777, 0o600);
});

Deno.test("AuditProcess goes on with the chain it finds, with another run", async () => {
  using directory = logDirectory();
  await writeLog(directory.log, numberedEvents(3));
  const before = await wholeChain(directory.log);
  {
    await using log = await openLog(directory.log);
    assert.deepEqual(log.audit.head, before.last);
    await log.audit.append(numbered(4));
  }
  assert.equal((await wholeChain(directory.log)).lines, 5);
  assert.equal(new Set(linesOf(directory.log).map(({ run }) => run)).size, 2);
});

Deno.test("AuditProcess acknowledges each client's events in their order, and loses none of 64 clients [S-7.4]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  const acknowledged: string[] = [];
  await Promise.all(Array.from({ length: 64 }, async (_, client) => {
    using caller = new PortCaller<unknown, null>(log.audit.connect());
    await Promise.all(Array.from({ length: 20 }, async (_, n) => {
      assert.equal(await caller.call({ ...numbered(n), tokenId: `${client}-${n}` }), null);
      acknowledged.push(`${client}-${n}`);
    }));
  }));
  const written = linesOf(directory.log).slice(1).map(({ tokenId }) => String(tokenId));
  assert.deepEqual(written.toSorted(), acknowledged.toSorted());
  for (let client = 0; client < 64; client++) {
    const own = (ids: readonly string[]) => ids.filter((id) => id.startsWith(`${client}-`));
    const inOrder = Array.from({ length: 20 }, (_, n) => `${client}-${n}`);
    assert.deepEqual(own(written), inOrder);
    assert.deepEqual(own(acknowledged), inOrder);
  }
  await wholeChain(directory.log);
});

Deno.test("AuditProcess holds a line on disk before it acknowledges it [S-7.4]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  for (let n = 1; n <= 20; n++) {
    await log.audit.append(numbered(n));
    assert.equal(linesOf(directory.log).at(-1)!["tokenId"], `id-${n}`);
  }
});

Deno.test("TM-30 AuditProcess writes no JWT, no token and no field that it does not know, whoever sends it [S-7.1]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  using caller = new PortCaller<unknown, null>(log.audit.connect());
  const sent: readonly unknown[] = [
    { event: "resolve", outcome: "allowed", subject: JWT },
    { event: "swap", outcome: "denied", detail: `KZ_TOK_${CANARY}` },
    { event: "swap", outcome: "denied", host: `${CANARY}@example.test`, method: `GET ${CANARY}` },
    { event: "fetch", outcome: "error", code: CANARY, ref: `${CANARY}//x`, tokenId: `${CANARY}!` },
  ];
  for (const event of sent) await caller.call(event);
  for (const event of [{ ...numbered(1), value: CANARY }, { event: CANARY, outcome: "allowed" }, CANARY, null]) {
    await assert.rejects(caller.call(event), { code: "INTERNAL" });
  }
  const text = Deno.readTextFileSync(directory.log);
  for (const form of [CANARY, btoa(CANARY), "eyJ", "KZ_TOK"]) assert.ok(!text.includes(form), form);
  assert.equal((await wholeChain(directory.log)).lines, 1 + sent.length);
});

Deno.test("AuditProcess refuses a log that another process writes, and takes it once that has ended [S-7.4]", async () => {
  using directory = logDirectory();
  {
    await using first = await openLog(directory.log);
    await first.audit.append(numbered(1));
    assert.deepEqual(await refusalOf(directory.log), {
      code: "AUDIT_UNWRITABLE",
      message: `Cannot continue audit log "${directory.log}": another process is writing it`,
    });
    await first.audit.append(numbered(2));
  }
  await writeLog(directory.log, [numbered(3)]);
  assert.equal((await wholeChain(directory.log)).lines, 4);
});

Deno.test({
  name: "AuditProcess refuses a log that is locked under another name of the same file [S-7.4]",
  ignore: !POSIX,
  async fn() {
    using directory = logDirectory();
    await using _first = await openLog(directory.log);
    const other = join(directory.path, "other.log");
    Deno.linkSync(directory.log, other);
    assert.equal((await refusalOf(other)).code, "AUDIT_UNWRITABLE");
  },
});

const KINDS: readonly (readonly [why: string, make: (path: string) => void, state: string])[] = [
  ["a symbolic link", (path) => {
    Deno.writeTextFileSync(`${path}.real`, "");
    Deno.symlinkSync(`${path}.real`, path);
  }, "it is not a regular file"],
  ["a symbolic link to nothing", (path) => Deno.symlinkSync(`${path}.absent`, path), "it is not a regular file"],
  ["a directory", (path) => Deno.mkdirSync(path), "it is not a regular file"],
  ["a pipe", (path) => {
    assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
  }, "it is not a regular file"],
  ["a file that others may write", (path) => {
    Deno.writeTextFileSync(path, "");
    Deno.chmodSync(path, 0o622);
  }, "other users may write it"],
];
for (const [why, make, state] of KINDS) {
  Deno.test({
    name: `AuditProcess refuses ${why} as its log [S-7.2]`,
    ignore: !POSIX,
    async fn() {
      using directory = logDirectory();
      make(directory.log);
      const message = `Cannot continue audit log "${directory.log}": ${state}`;
      assert.deepEqual(await refusalOf(directory.log), { code: "AUDIT_UNWRITABLE", message });
      assert.throws(() => Deno.statSync(`${directory.log}.absent`), Deno.errors.NotFound);
    },
  });
}

Deno.test("AuditProcess refuses a log in a directory that is not there", async () => {
  using directory = logDirectory();
  const path = join(directory.path, "absent", "audit.log");
  assert.deepEqual(await refusalOf(path), {
    code: "AUDIT_UNWRITABLE",
    message: `Cannot create audit log "${path}": there is no such file`,
  });
});

const TORN: readonly (readonly [why: string, torn: string])[] = [
  ["the half of a line", '{"v":1,"seq":4,"at":"2026-01-'],
  ["a line without its end", "a whole line"],
  ["zeros", "\0".repeat(5000)],
  ["a long text", "x".repeat(200_000)],
];
for (const [why, torn] of TORN) {
  Deno.test(`AuditProcess removes ${why} that a crash left, and says so in the log [S-7.4]`, async () => {
    using directory = logDirectory();
    await writeLog(directory.log, numberedEvents(2));
    Deno.writeTextFileSync(directory.log, torn, { append: true });
    await writeLog(directory.log, [numbered(3)]);
    const lines = linesOf(directory.log);
    assert.equal((await wholeChain(directory.log)).lines, 5);
    assert.equal(lines[3]!["detail"], `removed ${torn.length} bytes of a line that was not ended`);
    assert.deepEqual([lines[3]!["event"], lines[3]!["outcome"], lines[4]!["tokenId"]], ["server", "error", "id-3"]);
  });
}

Deno.test("AuditProcess begins anew where a crash left a half of the genesis line alone", async () => {
  using directory = logDirectory();
  Deno.writeTextFileSync(directory.log, '{"v":1,"seq":1', { mode: 0o600 });
  await writeLog(directory.log, [numbered(1)]);
  assert.deepEqual(linesOf(directory.log).map(({ event }) => event), ["genesis", "server", "resolve"]);
  await wholeChain(directory.log);
});

const BROKEN: readonly (readonly [why: string, change: (log: string) => string, state: string])[] = [
  [
    "an edited last line",
    (log) => log.replace("agent-9", "agent-8"),
    "near its end, it was changed after it was written",
  ],
  [
    "a missing line near the end",
    (log) => log.replace(/.*agent-7.*\n/, ""),
    "near its end, lines before it are missing",
  ],
  ["text that is no log", () => "hello\n", "near its end, it was changed after it was written"],
  ["a long binary file", () => "\0".repeat(20_000_000), "it has no end"],
];
for (const [why, change, state] of BROKEN) {
  Deno.test(`TM-27 AuditProcess does not go on behind ${why} [S-7.1]`, async () => {
    using directory = logDirectory();
    await writeLog(directory.log, numberedEvents(9));
    const changed = change(Deno.readTextFileSync(directory.log));
    Deno.writeTextFileSync(directory.log, changed);
    const message = `Cannot continue audit log "${directory.log}": ${state}`;
    assert.deepEqual(await refusalOf(directory.log), { code: "AUDIT_BROKEN", message });
    assert.equal(Deno.readTextFileSync(directory.log), changed);
  });
}

Deno.test("TM-27 AuditProcess keeps to one key for a file, and to none for one that began without [S-7.1]", async () => {
  using directory = logDirectory();
  const [key, other] = [await deriveAuditKey(new Uint8Array(32)), await deriveAuditKey(new Uint8Array(32).fill(1))];
  await writeLog(directory.log, [numbered(1)], key);
  await writeLog(directory.log, [numbered(2)], key);
  for (const wrong of [other, undefined]) assert.equal((await refusalOf(directory.log, wrong)).code, "AUDIT_BROKEN");
  const plain = join(directory.path, "plain.log");
  await writeLog(plain, [numbered(1)]);
  assert.equal((await refusalOf(plain, key)).code, "AUDIT_BROKEN");
});

Deno.test("AuditProcess.reopen() goes on in a new file, which continues the chain [S-7.1]", async () => {
  using directory = logDirectory();
  const rotated = `${directory.log}.1`;
  await using log = await openLog(directory.log);
  await log.audit.append(numbered(1));
  Deno.renameSync(directory.log, rotated);
  // Until it is told, it writes where it wrote.
  await log.audit.append(numbered(2));
  await log.audit.reopen();
  await log.audit.append(numbered(3));
  assert.deepEqual(linesOf(rotated).map(({ seq }) => seq), [1, 2, 3]);
  const [genesis, last] = linesOf(directory.log);
  assert.deepEqual([genesis!["event"], genesis!["seq"], genesis!["prev"]], [
    "genesis",
    4,
    linesOf(rotated)[2]!["hash"],
  ]);
  assert.equal(last!["tokenId"], "id-3");
  assert.equal((await wholeChain(rotated, directory.log)).lines, 5);
  assert.equal((await wholeChain(directory.log)).continues, linesOf(rotated)[2]!["hash"]);
  assert.deepEqual(log.troubles, []);
});

Deno.test("AuditProcess.reopen() while events come loses none of them [S-7.1]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  const files: string[] = [];
  const appended = Array.from({ length: 300 }, async (_, n) => {
    await new Promise((resolve) => setTimeout(resolve, n / 2));
    await log.audit.append(numbered(n));
  });
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    files.push(`${directory.log}.${n}`);
    Deno.renameSync(directory.log, files.at(-1)!);
    await log.audit.reopen();
  }
  await Promise.all(appended);
  assert.equal((await wholeChain(...files, directory.log)).lines, 306);
});

Deno.test("AuditProcess.reopen() stays on a file that was not renamed", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  await log.audit.append(numbered(1));
  await log.audit.reopen();
  await log.audit.append(numbered(2));
  assert.equal((await wholeChain(directory.log)).lines, 3);
});

Deno.test("TM-27 AuditProcess denies once its log was removed, and goes on in a new one that shows the gap", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  await log.audit.append(numbered(1));
  Deno.removeSync(directory.log);
  // The gap is seen before the write, or after it.
  await log.audit.append(numbered(2)).catch((error) => assert.equal(error.code, "AUDIT_UNAVAILABLE"));
  await log.audit.append(numbered(3));
  const [genesis] = linesOf(directory.log);
  assert.ok(genesis!["event"] === "genesis" && Number(genesis!["seq"]) > 2);
  assert.equal(linesOf(directory.log).at(-1)!["tokenId"], "id-3");
});

Deno.test("TM-27 AuditProcess does not go on behind a line that another process added, until the log is moved away", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  await log.audit.append(numbered(1));
  Deno.writeTextFileSync(directory.log, "forged\n", { append: true });
  await assert.rejects(log.audit.append(numbered(2)), { code: "AUDIT_UNAVAILABLE" });
  await assert.rejects(log.audit.append(numbered(3)), { code: "AUDIT_UNAVAILABLE" });
  assert.equal(Deno.readTextFileSync(directory.log).split("\n").at(-2), "forged");
  assert.deepEqual(log.troubles.map((trouble) => trouble?.code), ["AUDIT_BROKEN"]);
  Deno.renameSync(directory.log, `${directory.log}.forged`);
  await log.audit.append(numbered(4));
  assert.equal(linesOf(directory.log)[0]!["event"], "genesis");
  assert.deepEqual(log.troubles.map((trouble) => trouble?.code), ["AUDIT_BROKEN", undefined]);
});

const STRANGERS: readonly (readonly [why: string, change: (log: string) => string])[] = [
  ["a line that continues its chain", (log) => {
    const { seq, hash } = JSON.parse(log.trimEnd().split("\n").at(-1)!);
    const fields = { event: "resolve", outcome: "allowed" };
    return `${log}${sealLine({ fields, at: 0 }, { seq, hash }, { run: "0123456789abcdef", key: undefined }).text}\n`;
  }],
  ["a log that lacks its last line", (log) => log.replace(/.*\n$/, "")],
];
for (const [why, change] of STRANGERS) {
  Deno.test(`TM-27 AuditProcess does not go on behind ${why} while it runs [S-7.1]`, async () => {
    using directory = logDirectory();
    await using log = await openLog(directory.log);
    await log.audit.append(numbered(1));
    const changed = change(Deno.readTextFileSync(directory.log));
    Deno.writeTextFileSync(directory.log, changed);
    await assert.rejects(log.audit.append(numbered(2)), { code: "AUDIT_UNAVAILABLE" });
    assert.equal(Deno.readTextFileSync(directory.log), changed);
    assert.match(log.troubles[0]?.message ?? "", /it is not the log of this server$/);
  });
}

Deno.test("AuditProcess goes on after copytruncate, in the chain of the copy [S-7.1]", async () => {
  using directory = logDirectory();
  await using log = await openLog(directory.log);
  await log.audit.append(numbered(1));
  Deno.copyFileSync(directory.log, `${directory.log}.1`);
  Deno.truncateSync(directory.log, 0);
  await log.audit.append(numbered(2));
  assert.equal((await wholeChain(`${directory.log}.1`, directory.log)).lines, 4);
});

Deno.test("AuditProcess denies nothing but what it cannot write: reopening where no file can be made", async () => {
  using directory = logDirectory();
  const folder = join(directory.path, "logs");
  Deno.mkdirSync(folder);
  const path = join(folder, "audit.log");
  await using log = await openLog(path);
  Deno.renameSync(folder, `${folder}.old`);
  await log.audit.reopen();
  await assert.rejects(log.audit.append(numbered(1)), { code: "AUDIT_UNAVAILABLE" });
  assert.deepEqual(log.troubles.map((trouble) => trouble?.message), [
    `Cannot continue audit log "${path}": there is no such file`,
  ]);
  Deno.mkdirSync(folder);
  await log.audit.append(numbered(2));
  assert.equal((await wholeChain(path)).lines, 2);
  assert.deepEqual(log.troubles.slice(1), [undefined]);
});

Deno.test("AuditProcess writes what waits before it ends", async () => {
  using directory = logDirectory();
  const asked: Promise<void>[] = [];
  {
    await using log = await openLog(directory.log);
    for (let n = 0; n < 100; n++) asked.push(log.audit.append(numbered(n)));
    // The port's messages come before the supervisor's.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const written = (await Promise.allSettled(asked)).filter(({ status }) => status === "fulfilled").length;
  assert.ok((await wholeChain(directory.log)).lines >= 1 + written);
});

/** Every kind as a whole, and one thing of each kind that no audit log needs. */
const DENIED: readonly Deno.PermissionDescriptor[] = [
  { name: "read" },
  { name: "write" },
  { name: "net" },
  { name: "env" },
  { name: "run" },
  { name: "sys" },
  { name: "ffi" },
  { name: "read", path: "/etc/passwd" },
  { name: "write", path: "/logs" },
  { name: "write", path: "/logs/audit.log.1" },
  { name: "net", host: "collector.test:443" },
  { name: "net", host: "other.test:4318" },
];
const [READ, WRITE] = [{ name: "read", path: "/logs/audit.log" }, { name: "write", path: "/logs/audit.log" }] as const;
const NET = { name: "net", host: "collector.test:4318" } as const;

const PERMISSIONS: readonly (readonly [
  sink: SinkAddress,
  granted: readonly Deno.PermissionDescriptor[],
  denied: readonly Deno.PermissionDescriptor[],
])[] = [
  [{ kind: "file", path: "/logs/audit.log" }, [READ, WRITE], [...DENIED, NET]],
  [{ kind: "stdout" }, [], [...DENIED, READ, WRITE, NET]],
  [{ kind: "otlp", url: "https://collector.test:4318/v1/logs" }, [NET], [...DENIED, READ, WRITE]],
];
for (const [sink, granted, denied] of PERMISSIONS) {
  Deno.test({
    name: `auditPermissions() gives a worker its ${sink.kind} and nothing else [S-7.2]`,
    ignore: !POSIX,
    async fn() {
      const worker = new Worker(new URL("../../resolve/testing/permission_probe.ts", import.meta.url), {
        type: "module",
        deno: { permissions: auditPermissions(sink) },
      });
      try {
        const states = await new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = reject;
          worker.postMessage([...granted, ...denied]);
        });
        // What is not granted is said to be asked for, which --no-prompt answers with no.
        assert.deepEqual(states, [...granted.map(() => "granted"), ...denied.map(() => "prompt")]);
      } finally {
        worker.terminate();
      }
    },
  });
}
