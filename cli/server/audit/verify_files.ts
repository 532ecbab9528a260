import { type ChainPosition, parseLine } from "./audit_line.ts";
import { ChainVerifier, type FaultKind } from "./chain_verifier.ts";
import { LineSplitter } from "./line_splitter.ts";

const CHUNK_BYTES = 256 * 1024;
/** A server that runs may be in the middle of a write, which takes less. */
const TORN_PATIENCE_MS = 300;
const TORN_POLL_MS = 50;

export interface WholeChain {
  readonly isWhole: true;
  readonly lines: number;
  readonly firstSeq: number;
  readonly last: ChainPosition;
  /** The head of the file before the first, where that one continues another. */
  readonly continues: string | undefined;
  /** `unchecked`: there are some, and no key was given. */
  readonly macs: "checked" | "unchecked" | "none";
}

export interface BrokenChain {
  readonly isWhole: false;
  readonly path: string;
  /** Counted from 1, in this file. */
  readonly line: number;
  readonly fault: FaultKind;
}

export interface VerifyOptions {
  readonly key: Uint8Array | undefined;
  /** A `hash` that is known to have been the last one once. */
  readonly head: string | undefined;
}

/**
 * Checks a chain over all of its files, the oldest first, each read once from its beginning to its end.
 *
 * @throws what the system says of a file that cannot be read, with the path as `path`.
 */
export async function verifyFiles(
  paths: readonly string[],
  { key, head }: VerifyOptions,
): Promise<WholeChain | BrokenChain> {
  const verifier = new ChainVerifier({ key, from: "beginning" });
  let lines = 0;
  let isHeadSeen = head === undefined;
  /** Lines are missing here; if they come later, they were moved. */
  let gap: BrokenChain | undefined;
  let wanted = 0;
  let at: { path: string; line: number } = { path: paths[0] ?? "", line: 1 };
  for (const path of paths) {
    at = { path, line: 0 };
    for await (const batch of readLines(path)) {
      for (const text of batch) {
        at.line++;
        if (gap !== undefined) {
          if (text !== undefined && parseLine(text)?.position.seq === wanted) return { ...gap, fault: "swapped" };
          continue;
        }
        const expected = verifier.position.seq + 1;
        const fault = text === undefined ? "torn" : verifier.accept(text);
        if (fault === "missing") [gap, wanted] = [{ isWhole: false, ...at, fault }, expected];
        else if (fault !== undefined) return { isWhole: false, ...at, fault };
        lines++;
        isHeadSeen ||= verifier.position.hash === head || verifier.first?.prev === head;
      }
    }
  }
  if (gap !== undefined) return gap;
  const { first, position: last } = verifier;
  if (first === undefined) return { isWhole: false, path: at.path, line: 1, fault: "empty" };
  if (!isHeadSeen) return { isWhole: false, path: at.path, line: at.line, fault: "head-missing" };
  return {
    isWhole: true,
    lines,
    firstSeq: first.seq,
    last,
    continues: first.seq === 1 ? undefined : first.prev,
    macs: !verifier.hasMac ? "none" : key === undefined ? "unchecked" : "checked",
  };
}

/** The lines of a file, in batches; undefined for a last one without an end. */
async function* readLines(path: string): AsyncGenerator<readonly (string | undefined)[]> {
  using file = await Deno.open(path, { read: true });
  const splitter = new LineSplitter();
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let waitedMs = 0;;) {
    const read = await file.read(buffer);
    if (read !== null) yield splitter.add(buffer.subarray(0, read));
    else if (!splitter.hasRest) return;
    else if (waitedMs < TORN_PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, TORN_POLL_MS));
      waitedMs += TORN_POLL_MS;
    } else return yield [undefined];
  }
}
