import { resolve } from "node:path";
import { AppError, EXIT } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { systemState } from "../config/system_error.ts";
import { ChainVerifier, FAULTS } from "../server/audit/chain_verifier.ts";
import { describeLine, readFields } from "../server/audit/describe_line.ts";
import { followFile } from "../server/audit/follow_file.ts";
import { MAX_LINE_BYTES } from "../server/audit/audit_line.ts";
import { readTail } from "../server/audit/read_tail.ts";
import { styleFor } from "../terminal/style.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

const DEFAULT_LINES = 10;
/** Some 5 MB; who wants more reads the file. */
const MAX_LINES = 10_000;
/** 128 + SIGINT, as for a program that the signal ends. */
const INTERRUPTED = 130;

/** `kz audit tail`: the last lines, for people. What is shown is checked, too; the rest of the chain is not. */
export async function auditTailCommand(args: Arguments, around: Surroundings): Promise<number> {
  const path = resolve(around.cwd, args.operands[0] ?? "");
  const count = lineCount(args.value("lines"));
  const view = new TailView(args.has("json"), around);
  const file = await openLog(path);
  try {
    const { size } = await file.stat();
    const { lines, tornBytes } = await readTail(file, size, { lines: count, bytes: (count + 1) * MAX_LINE_BYTES });
    view.show(lines);
    if (args.has("follow")) await file.seek(size - tornBytes, Deno.SeekMode.Start);
    else if (tornBytes > 0) view.warn(FAULTS.torn);
  } catch (error) {
    file.close();
    throw unreadable(error);
  }
  if (args.has("follow")) return await follow(file, path, view);
  file.close();
  return view.status;
}

async function follow(file: Deno.FsFile, path: string, view: TailView): Promise<number> {
  const ending = new AbortController();
  const interrupt = () => ending.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    for await (const lines of followFile(file, path, ending.signal)) {
      view.show(lines);
      if (view.isClosed) return view.status;
    }
    return INTERRUPTED;
  } catch (error) {
    throw unreadable(error);
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

class TailView {
  /** The reader of standard output has gone. */
  isClosed = false;
  readonly #isJson: boolean;
  readonly #style: ReturnType<typeof styleFor>;
  #verifier = newVerifier();
  #isBroken = false;

  constructor(isJson: boolean, { getEnv }: Surroundings) {
    this.#isJson = isJson;
    this.#style = styleFor(Deno.stdout, getEnv);
  }

  show(lines: readonly string[]): void {
    for (const line of lines) {
      const fault = this.#verifier.accept(line);
      if (fault !== undefined) {
        this.warn(FAULTS[fault]);
        this.#verifier = newVerifier();
      }
      const fields = readFields(line);
      if (fields === undefined) continue;
      // Written anew: a line that somebody changed may hold anything.
      this.#write(this.#isJson ? JSON.stringify(Object.fromEntries(fields)) : describeLine(fields, this.#style));
    }
  }

  /** Before the line that it is about. */
  warn(state: string): void {
    this.#isBroken = true;
    writeStderr(`warning: the next line: ${state}\n`);
  }

  get status(): number {
    return this.#isBroken ? EXIT.denied : 0;
  }

  #write(line: string): void {
    const bytes = new TextEncoder().encode(`${line}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.isClosed = true;
    }
  }
}

function newVerifier(): ChainVerifier {
  return new ChainVerifier({ key: undefined, from: "anywhere" });
}

function lineCount(text: string | undefined): number {
  const count = text === undefined ? DEFAULT_LINES : /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (count <= MAX_LINES) return count;
  throw new AppError("USAGE_INVALID", `Cannot run "kz audit tail": --lines is not a number from 0 to ${MAX_LINES}`);
}

async function openLog(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): AppError {
  return error instanceof AppError
    ? error
    : new AppError("CONFIG_UNREADABLE", `Cannot read audit log: ${systemState(error)}`);
}
