import { AppError } from "../../../policy/error.ts";
import { systemState } from "../../config/system_error.ts";
import { CHAIN_START, type ChainPosition, type SealedLine } from "./audit_line.ts";
import { type AuditSink, type PreparedSink, SinkFailure } from "./audit_sink.ts";

/**
 * Standard output, for a machine that gathers it. A line is acknowledged once the reader's pipe has it; what the reader
 * does with it is not ours. A new chain begins with each start.
 */
export class StdoutSink implements AuditSink {
  #isNew = true;
  #fault: AppError | undefined;

  prepare(expected: ChainPosition | undefined): Promise<PreparedSink> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    return Promise.resolve({ after: expected ?? CHAIN_START, isNew: this.#isNew, removedBytes: 0 });
  }

  async write(lines: readonly SealedLine[]): Promise<void> {
    const bytes = new TextEncoder().encode(lines.map(({ text }) => `${text}\n`).join(""));
    try {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
      this.#isNew = false;
    } catch (error) {
      // A half of a line may be out, and cannot be taken back.
      this.#fault = new AppError("AUDIT_UNWRITABLE", `Cannot write audit log to standard output: ${stateOf(error)}`);
      throw new SinkFailure(this.#fault, { mayBeOut: true });
    }
  }

  reopen(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function stateOf(error: unknown): string {
  return error instanceof Deno.errors.BrokenPipe ? "its reader has gone" : systemState(error);
}
