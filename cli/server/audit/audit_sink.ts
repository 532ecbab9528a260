import type { ChainPosition, SealedLine } from "./audit_line.ts";

/** Where lines go. One writer at a time: each call ends before the next begins. */
export interface AuditSink extends AsyncDisposable {
  /**
   * Makes the sink ready for the next line; cheap when it is.
   *
   * @param expected The last line that was written; undefined at start: whatever is there is continued.
   * @throws {AppError} `AUDIT_UNWRITABLE`, or `AUDIT_BROKEN` where another chain stands than the one expected.
   */
  prepare(expected: ChainPosition | undefined): Promise<PreparedSink>;
  /**
   * Writes lines, all or none. They are safe once it returns.
   *
   * @throws {SinkFailure}
   */
  write(lines: readonly SealedLine[]): Promise<void>;
  /** Lets go of the file, so that the next line goes to the one that has its name then. */
  reopen(): void;
}

export interface PreparedSink {
  /** What the next line follows. */
  readonly after: ChainPosition;
  /** There is no line yet: a genesis line comes first. */
  readonly isNew: boolean;
  /** Bytes of a line without an end, left by a crash, which were removed. */
  readonly removedBytes: number;
}

/** Lines were not written. */
export class SinkFailure extends Error {
  override readonly name = "SinkFailure";
  /** Some may have got out all the same: the chain goes on behind them. */
  readonly mayBeOut: boolean;

  /** @param options `cause`: an `AppError` for the operator. */
  constructor(cause: Error, { mayBeOut }: { mayBeOut: boolean }) {
    super("audit lines were not written", { cause });
    this.mayBeOut = mayBeOut;
  }
}
