import assert from "node:assert/strict";
import fc from "fast-check";
import { CHAIN_START, type ChainPosition, GENESIS, sealLine } from "../../../cli/server/audit/audit_line.ts";
import { ChainVerifier } from "../../../cli/server/audit/chain_verifier.ts";
import { describeLine, readFields } from "../../../cli/server/audit/describe_line.ts";
import { LineSplitter } from "../../../cli/server/audit/line_splitter.ts";
import { styleFor } from "../../../cli/terminal/style.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { splits } from "../split_source.ts";

const KEY = new Uint8Array(32).fill(3);
const STYLE = styleFor({ isTerminal: () => false }, () => undefined);

/** A log of a genesis line and three more. */
function log(key: Uint8Array | undefined): string {
  let after: ChainPosition = CHAIN_START;
  const lines = [GENESIS, ...["a", "b\u001b[31m\u202e", "ü\n"].map((subject) => ({ event: "resolve", subject }))].map(
    (fields, at) => {
      const line = sealLine({ fields, at: 1000 * at }, after, { run: "0123456789abcdef", key });
      after = line.position;
      return `${line.text}\n`;
    },
  );
  return lines.join("");
}

const LOGS = [{ text: log(undefined), key: undefined }, { text: log(KEY), key: KEY }] as const;

/** Control characters, line separators, and marks that turn the direction of writing. */
const STEERING_REGEXP = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/**
 * TM-27: of a log, every change shows but one: lines that were cut off its end. Nothing of a line, whatever it holds,
 * steers a terminal. The first character of the input says whether the log has MACs.
 */
export const auditLines: FuzzTarget = {
  name: "audit-line",
  inputs: fc.constantFrom(...LOGS.map(({ text }, at) => encodeLatin1(`${at}${text}`))),
  dictionary: [
    "\n",
    "\r\n",
    '"',
    "\\",
    '\\"',
    ',"prev":"',
    ',"hash":"',
    ',"mac":"',
    '"event":"genesis"',
    "}",
    "{",
    "\\u001b",
  ],
  check(input) {
    const { text, key } = LOGS[(input[0] ?? 0) % 2]!;
    const changed = decodeLatin1(input.subarray(1));
    // MACs say something to who has the key, and nothing to others: they stand behind what the hashes are of.
    if (key === undefined && changed.includes(',"mac":"')) return false;
    const isCut = changed !== "" && changed.endsWith("\n") && text.startsWith(changed);
    assert.equal(isWhole(input.subarray(1), key), isCut, "a change that does not show");
    for (const line of changed.split("\n")) {
      const fields = readFields(line);
      const shown = fields === undefined ? "" : describeLine(fields, STYLE);
      assert.ok(!STEERING_REGEXP.test(shown), "it steers a terminal");
    }
    return isCut;
  },
};

/** As `kz audit verify` reads a file, in pieces. */
function isWhole(bytes: Uint8Array, key: Uint8Array | undefined): boolean {
  const [splitter, verifier] = [new LineSplitter(), new ChainVerifier({ key, from: "beginning" })];
  for (const piece of splits(bytes)) {
    for (const line of splitter.add(piece)) if (verifier.accept(line) !== undefined) return false;
  }
  return !splitter.hasRest && verifier.first !== undefined;
}
