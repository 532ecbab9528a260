import assert from "node:assert/strict";
import { deriveAuditKey } from "./audit_key.ts";
import { CHAIN_START, GENESIS, MAX_LINE_BYTES, parseLine, sealLine } from "./audit_line.ts";
import type { FaultKind } from "./chain_verifier.ts";
import { linesOf, logDirectory, numberedEvents, wholeChain, writeLog } from "./testing/open_log.ts";
import { verifyFiles } from "./verify_files.ts";

const RUN = "0123456789abcdef";
const KEY = await deriveAuditKey(new Uint8Array(32).fill(1));
const OTHER_KEY = await deriveAuditKey(new Uint8Array(32).fill(2));

/** A log of a genesis line and events, written by the worker. */
async function lines(count: number, key?: Uint8Array<ArrayBuffer>): Promise<string[]> {
  using directory = logDirectory();
  await writeLog(directory.log, numberedEvents(count), key);
  return Deno.readTextFileSync(directory.log).split("\n").slice(0, -1);
}

const [LOG, KEYED] = [await lines(9), await lines(9, KEY)];

/** A line that takes the place behind `before`, hashed as ours are, by somebody who has not the key. */
function forge(before: string | undefined, event = "resolve"): string {
  const position = before === undefined ? CHAIN_START : parseLine(before)!.position;
  const fields = event === "genesis" ? GENESIS : { event, outcome: "allowed", subject: "mallory" };
  return sealLine({ fields, at: 0 }, position, { run: RUN, key: undefined }).text;
}

/** The log from `at` on, chained anew behind what stands before it. */
function rechain(log: readonly string[], at: number): string[] {
  const chained = log.slice(0, at);
  while (chained.length < log.length) chained.push(forge(chained.at(-1)));
  return chained;
}

type Tampering = readonly [why: string, content: string, fault: FaultKind, line: number];

const whole = (log: readonly string[]) => log.map((line) => `${line}\n`).join("");
const edit = (log: readonly string[], at: number, change: (line: string) => string) => log.with(at, change(log[at]!));

/** A change in each field of a line, and in all that stands around them. */
const EDITS: readonly Tampering[] = [
  '"v":1',
  '"seq":5',
  '"at":"2',
  '"run":"',
  '"event":"resolve"',
  '"outcome":"allowed"',
  '"issuer":"internal"',
  '"subject":"agent-4"',
  '"tokenId":"id-4"',
  '"prev":"',
  '"hash":"',
].flatMap((part): Tampering[] => {
  const start = LOG[4]!.indexOf(part);
  assert.ok(start > 0, part);
  // The last character of the name's part, and the one behind it.
  return [start + part.length - 1, start + part.length].map((at) => {
    const changed = LOG[4]![at] === "0" ? "1" : "0";
    const content = whole(edit(LOG, 4, (line) => line.slice(0, at) + changed + line.slice(at + 1)));
    return [`a byte of ${part} at ${at - start}`, content, "edited", 5];
  });
});

const TAMPERINGS: readonly Tampering[] = [
  ...EDITS,
  ["a byte of the last line", whole(edit(LOG, 9, (line) => line.replace("agent-9", "agent-8"))), "edited", 10],
  ["a byte of the genesis line", whole(edit(LOG, 0, (line) => line.replace("genesis", "genesys"))), "edited", 1],
  ["a white space", whole(edit(LOG, 4, (line) => `${line} `)), "edited", 5],
  ["a carriage return", whole(edit(LOG, 4, (line) => `${line}\r`)), "edited", 5],
  ["an empty line", whole(LOG.toSpliced(4, 0, "")), "edited", 5],
  ["two lines joined", whole(LOG).replace("}\n{", "}{"), "edited", 1],
  ["a line of a gigabyte's kind", whole(LOG.with(4, "x".repeat(MAX_LINE_BYTES * 3))), "edited", 5],
  ["a line that was hashed anew", whole(edit(LOG, 4, () => forge(LOG[3]))), "forged", 6],
  ["a deleted line", whole(LOG.toSpliced(4, 1)), "missing", 5],
  ["deleted lines", whole(LOG.toSpliced(2, 5)), "missing", 3],
  ["a deleted genesis line", whole(LOG.slice(1)), "missing", 1],
  ["a beginning that was deleted", whole(LOG.slice(4)), "missing", 1],
  ["two lines swapped", whole([...LOG.slice(0, 4), LOG[5]!, LOG[4]!, ...LOG.slice(6)]), "swapped", 5],
  ["a line moved to the end", whole([...LOG.toSpliced(4, 1), LOG[4]!]), "swapped", 5],
  ["a line moved back", whole([...LOG.slice(0, 3), LOG[8]!, ...LOG.slice(3, 8), LOG[9]!]), "swapped", 4],
  ["a repeated line", whole(LOG.toSpliced(5, 0, LOG[4]!)), "repeated", 6],
  ["a repeated line of before", whole(LOG.toSpliced(5, 0, LOG[2]!)), "repeated", 6],
  ["a forged line inserted", whole(LOG.toSpliced(5, 0, forge(LOG[4]))), "inserted", 7],
  ["a forged line with a stranger's place", whole([...LOG, forge(LOG[2])]), "repeated", 11],
  ["a forged line at the end that follows another", whole([...LOG, forge(forge(LOG[9]))]), "missing", 11],
  ["another log behind it", whole([...LOG, ...KEYED]), "restarted", 11],
  ["another log in its place from the middle on", whole([...LOG.slice(0, 5), ...KEYED.slice(5)]), "forged", 6],
  ["a genesis line without a chain", whole([forge(LOG[3], "genesis"), ...LOG.slice(5)]), "forged", 2],
  ["a first line that claims a place", whole([LOG[0]!.replace('"seq":1', '"seq":4')]), "edited", 1],
  ["an end in the middle of a line", whole(LOG).slice(0, -20), "torn", 10],
  ["an end without a line break", whole(LOG).slice(0, -1), "torn", 10],
  ["zeros at the end", `${whole(LOG)}\0\0\0\0`, "torn", 11],
  ["nothing at all", "", "empty", 1],
];

for (const [why, content, fault, line] of TAMPERINGS) {
  Deno.test(`TM-27 verifyFiles() finds ${why} [S-7.1]`, async () => {
    using directory = logDirectory();
    Deno.writeTextFileSync(directory.log, content);
    assert.deepEqual(await verifyFiles([directory.log], { key: undefined, head: undefined }), {
      isWhole: false,
      path: directory.log,
      line,
      fault,
    });
  });
}

const KEYED_TABLE: readonly (readonly [why: string, log: readonly string[], expected: FaultKind | undefined])[] = [
  ["a log as it was written", KEYED, undefined],
  ["a log that was written without a key", LOG, "no-mac"],
  ["an end that was chained anew without the key", rechain(KEYED, 6), "no-mac"],
  ["a log that was chained anew from its beginning", rechain(KEYED, 1), "no-mac"],
  ["a forged line at the end", [...KEYED, forge(KEYED[9])], "no-mac"],
  ["a forged line with a MAC of before", [
    ...KEYED,
    forge(KEYED[9]).replace(/}$/, `,"mac":"${parseLine(KEYED[4]!)!.mac}"}`),
  ], "wrong-mac"],
];
for (const [why, log, expected] of KEYED_TABLE) {
  Deno.test(`TM-27 verifyFiles() with a key ${expected ? "refuses" : "takes"} ${why} [S-7.1]`, async () => {
    using directory = logDirectory();
    Deno.writeTextFileSync(directory.log, whole(log));
    const verdict = await verifyFiles([directory.log], { key: KEY, head: undefined });
    assert.equal(verdict.isWhole ? undefined : verdict.fault, expected);
    if (verdict.isWhole) assert.equal(verdict.macs, "checked");
  });
}

Deno.test("TM-27 verifyFiles() with another key refuses a log, and says that MACs were not checked without one", async () => {
  using directory = logDirectory();
  Deno.writeTextFileSync(directory.log, whole(KEYED));
  const verdict = await verifyFiles([directory.log], { key: OTHER_KEY, head: undefined });
  assert.equal(verdict.isWhole ? undefined : verdict.fault, "wrong-mac");
  assert.equal((await wholeChain(directory.log)).macs, "unchecked");
  Deno.writeTextFileSync(directory.log, whole(LOG));
  assert.equal((await wholeChain(directory.log)).macs, "none");
});

Deno.test("TM-27 verifyFiles() notices by an earlier head what was cut off at the end, even if more was written since", async () => {
  using directory = logDirectory();
  const head = parseLine(LOG[7]!)!.position.hash;
  const verdictOf = async (log: readonly string[]) => {
    Deno.writeTextFileSync(directory.log, whole(log));
    return await verifyFiles([directory.log], { key: undefined, head });
  };
  assert.ok((await verdictOf(LOG)).isWhole);
  assert.ok((await verdictOf(LOG.slice(0, 8))).isWhole);
  const cut = { isWhole: false, path: directory.log, line: 7, fault: "head-missing" };
  assert.deepEqual(await verdictOf(LOG.slice(0, 7)), cut);
  assert.deepEqual(await verdictOf(rechain(LOG, 7)), { ...cut, line: 10 });
});

Deno.test("verifyFiles() says how many lines there are, and the head", async () => {
  using directory = logDirectory();
  Deno.writeTextFileSync(directory.log, whole(LOG));
  const { lines, firstSeq, last, continues } = await wholeChain(directory.log);
  assert.deepEqual({ lines, firstSeq, continues }, { lines: 10, firstSeq: 1, continues: undefined });
  assert.deepEqual(last, { seq: 10, hash: linesOf(directory.log)[9]!["hash"] });
});

Deno.test("verifyFiles() waits for the end of a line that is being written", async () => {
  using directory = logDirectory();
  Deno.writeTextFileSync(directory.log, whole(LOG).slice(0, -40));
  const verdict = verifyFiles([directory.log], { key: undefined, head: undefined });
  await new Promise((resolve) => setTimeout(resolve, 60));
  Deno.writeTextFileSync(directory.log, whole(LOG).slice(-40), { append: true });
  assert.ok((await verdict).isWhole);
});

Deno.test("verifyFiles() reads lines over the bounds of what it reads at once", async () => {
  using directory = logDirectory();
  const long = ["", ...LOG].reduce<string[]>(
    (log) => [...log, forge(log.at(-1), log.length === 0 ? "genesis" : "swap")],
    [],
  );
  while (long.length < 3000) long.push(forge(long.at(-1)));
  Deno.writeTextFileSync(directory.log, whole(long));
  assert.ok(Deno.statSync(directory.log).size > 3 * 256 * 1024);
  assert.equal((await wholeChain(directory.log)).lines, 3000);
});
