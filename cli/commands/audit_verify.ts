import { resolve } from "node:path";
import { AppError, EXIT } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { systemState } from "../config/system_error.ts";
import { readAuditKeyFile } from "../server/audit/audit_key.ts";
import { type FaultKind, FAULTS } from "../server/audit/chain_verifier.ts";
import { type BrokenChain, verifyFiles, type WholeChain } from "../server/audit/verify_files.ts";
import { reportErrors } from "../terminal/report_error.ts";
import { writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz audit verify`: whether nobody changed, added or took away a line. No line is ever shown. */
export async function auditVerifyCommand(args: Arguments, around: Surroundings): Promise<number> {
  const head = args.value("head")?.toLowerCase();
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head)) {
    throw new AppError("USAGE_INVALID", 'Cannot run "kz audit verify": --head is not 64 hexadecimal digits', {
      hints: ["Write the head that an earlier kz audit verify printed"],
    });
  }
  const keyFile = args.value("key-file");
  const key = keyFile === undefined ? undefined : await readAuditKeyFile(resolve(around.cwd, keyFile));
  const verdict = await verify(args.operands.map((path) => resolve(around.cwd, path)), { key, head });
  if (args.has("json")) writeStdout(`${JSON.stringify(asJson(verdict), null, 2)}\n`);
  else if (verdict.isWhole) writeStdout(asText(verdict, args.operands.length));
  else reportErrors([asError(verdict)]);
  return verdict.isWhole ? 0 : EXIT.denied;
}

async function verify(
  paths: readonly string[],
  options: { key: Uint8Array | undefined; head: string | undefined },
): Promise<WholeChain | BrokenChain> {
  try {
    return await verifyFiles(paths, options);
  } catch (error) {
    throw new AppError("CONFIG_UNREADABLE", `Cannot read audit log: ${systemState(error)}`, {
      hints: ["Name the files of one log, the oldest first"],
    });
  }
}

function asText({ lines, firstSeq, last, continues, macs }: WholeChain, files: number): string {
  const of = files === 1 ? "" : ` in ${files} files`;
  return [
    `Whole: ${lines} ${lines === 1 ? "line" : "lines"}${of}, ${firstSeq} to ${last.seq}`,
    ...(continues === undefined ? [] : [`Continues a file whose last hash is ${continues}`]),
    `MACs: ${MACS[macs]}`,
    `Head: ${last.hash}`,
    "",
  ].join("\n");
}

const MACS: Readonly<Record<WholeChain["macs"], string>> = {
  checked: "every line was written with this key",
  unchecked: "not checked; give the server's key with --key-file",
  none: "none; who may write the file could have written all of it anew",
};

function asJson(verdict: WholeChain | BrokenChain): unknown {
  if (!verdict.isWhole) return { whole: false, file: verdict.path, line: verdict.line, fault: verdict.fault };
  const { lines, firstSeq, last, continues, macs } = verdict;
  return { whole: true, lines, firstSeq, lastSeq: last.seq, head: last.hash, continues: continues ?? null, macs };
}

const HINTS: Readonly<Partial<Record<FaultKind, string>>> = {
  torn: "The server removes such an end when it starts: what stands there was never acknowledged",
  missing: "If this log has older files, name them too, the oldest first",
  restarted: "Verify by itself what was begun anew",
  "no-mac": "Verify without --key-file what was written before the server had a key",
};

function asError({ path, line, fault }: BrokenChain): AppError {
  const hint = HINTS[fault];
  return new AppError("AUDIT_BROKEN", `Cannot trust audit log "${path}": line ${line}: ${FAULTS[fault]}`, {
    hints: hint === undefined ? [] : [hint],
  });
}
