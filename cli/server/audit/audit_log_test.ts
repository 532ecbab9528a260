import assert from "node:assert/strict";
import { AuditLog, MAX_BATCH, MAX_WAITING } from "./audit_log.ts";
import { FileSink } from "./file_sink.ts";
import { linesOf, logDirectory, numbered, wholeChain } from "./testing/open_log.ts";

const OPTIONS = { run: "0123456789abcdef", key: undefined, onTrouble: () => {} };

Deno.test("AuditLog.append() from within the end of another is written too", async () => {
  using directory = logDirectory();
  await using log = await AuditLog.open(new FileSink(directory.log, undefined), { ...OPTIONS, now: () => Date.now() });
  // In the very step in which the batch before ends, and in the ones after it.
  for (let steps = 0; steps < 8; steps++) {
    await log.append(numbered(steps));
    for (let n = 0; n < steps; n++) await Promise.resolve();
    await log.append(numbered(100 + steps));
  }
  assert.equal((await wholeChain(directory.log)).lines, 17);
});

Deno.test("AuditLog.append() writes the time at which an event came", async () => {
  using directory = logDirectory();
  let now = Date.UTC(2026, 0, 1);
  await using log = await AuditLog.open(new FileSink(directory.log, undefined), { ...OPTIONS, now: () => now });
  const asked = [log.append(numbered(1)), log.append(numbered(2))];
  now += 1;
  await Promise.all([...asked, log.append(numbered(3))]);
  assert.deepEqual(linesOf(directory.log).slice(1).map(({ at }) => at), [
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.001Z",
  ]);
});

Deno.test("TM-38 AuditLog.append() turns events away when too many wait, and takes them again after [S-7.2]", async () => {
  using directory = logDirectory();
  await using log = await AuditLog.open(new FileSink(directory.log, undefined), { ...OPTIONS, now: () => Date.now() });
  // One batch is being written, and no other can begin in this step.
  const asked = Array.from({ length: MAX_BATCH + MAX_WAITING }, (_, n) => log.append(numbered(n)));
  const outcomes = await Promise.allSettled(asked);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  for (const { reason } of refused) assert.equal(reason.code, "OVERLOADED");
  // The first batch is the first event alone.
  assert.equal(refused.length, MAX_BATCH - 1);
  assert.equal((await wholeChain(directory.log)).lines, 1 + MAX_WAITING + 1);
  await log.append(numbered(0));
});

Deno.test("AuditLog.append() ends when the sink has the line, and not before [S-7.2]", async () => {
  using directory = logDirectory();
  const held: { until?: Promise<void> } = {};
  const sink = new (class extends FileSink {
    override async write(...lines: Parameters<FileSink["write"]>) {
      await held.until;
      await super.write(...lines);
    }
  })(directory.log, undefined);
  await using log = await AuditLog.open(sink, { ...OPTIONS, now: () => Date.now() });
  const gate = Promise.withResolvers<void>();
  held.until = gate.promise;
  let isAcknowledged = false;
  const appended = log.append(numbered(1)).then(() => isAcknowledged = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isAcknowledged, false);
  gate.resolve();
  await appended;
  assert.equal(linesOf(directory.log).length, 2);
});
