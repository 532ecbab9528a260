import { AppError } from "../../../policy/error.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { auditFields } from "./audit_fields.ts";
import {
  type AuditFields,
  CHAIN_START,
  type ChainPosition,
  GENESIS,
  type SealedLine,
  type Sealing,
  sealLine,
} from "./audit_line.ts";
import { type AuditSink, SinkFailure } from "./audit_sink.ts";

/** Events that wait for their line: some ten times what 1,000 callers at once have open. Beyond, a caller is turned away. */
export const MAX_WAITING = 10_000;
/** Lines that are written at once; some 250 KiB. */
export const MAX_BATCH = 512;

interface Waiting {
  readonly fields: AuditFields;
  readonly at: number;
  readonly written: PromiseWithResolvers<null>;
}

export interface AuditLogOptions extends Sealing {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when lines cannot be written, and with undefined when they can again. */
  readonly onTrouble: (trouble: Error | undefined) => void;
}

/**
 * The chain of one server. Events that come while lines are being written are written together, in the order in which
 * they came, and acknowledged in it (group commit).
 */
export class AuditLog implements AsyncDisposable {
  readonly #sink: AuditSink;
  readonly #options: AuditLogOptions;
  readonly #waiting: Waiting[] = [];
  #position: ChainPosition = CHAIN_START;
  /** At the start, and after the file was let go: a genesis line is owed before anybody asks for one. */
  #isUnprepared = false;
  #isDraining = false;
  #drained: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  private constructor(sink: AuditSink, options: AuditLogOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** @throws {AppError} `AUDIT_UNWRITABLE` or `AUDIT_BROKEN`. The sink belongs to the log. */
  static async open(sink: AuditSink, options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(sink, options);
    try {
      await log.#begin(undefined);
    } catch (error) {
      await sink[Symbol.asyncDispose]();
      throw error instanceof SinkFailure ? error.cause : error;
    }
    return log;
  }

  /** The last line that was written. */
  get position(): ChainPosition {
    return this.#position;
  }

  /**
   * Writes an event down.
   *
   * @param event As another worker sent it.
   * @returns Once the line is safe.
   * @throws {Denial} `OVERLOADED`, `AUDIT_UNAVAILABLE`, `INTERNAL` for what is no event.
   */
  append(event: unknown): Promise<null> {
    const fields = auditFields(event);
    if (fields === undefined) return Promise.reject(new Denial("INTERNAL"));
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new Denial("OVERLOADED"));
    const written = Promise.withResolvers<null>();
    this.#waiting.push({ fields, at: this.#options.now(), written });
    void this.#drain();
    return written.promise;
  }

  /** Goes on in the file that has the log's name now; the genesis line there continues the chain. */
  async reopen(): Promise<void> {
    this.#isUnprepared = true;
    await this.#drain();
  }

  #drain(): Promise<void> {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#drained = this.#writeAll();
    }
    return this.#drained;
  }

  /** Ends in the same step in which it finds nothing more, so that no event can come in between and wait for ever. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#isUnprepared) {
      if (this.#isUnprepared) {
        this.#isUnprepared = false;
        this.#sink.reopen();
      }
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        await this.#write(batch);
        for (const { written } of batch) written.resolve(null);
        this.#tell(undefined);
      } catch (error) {
        const cause = error instanceof SinkFailure ? error.cause : error;
        for (const { written } of batch) written.reject(new Denial("AUDIT_UNAVAILABLE", { cause }));
        this.#tell(cause instanceof Error ? cause : new Error("unknown"));
      }
    }
    this.#isDraining = false;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    await this.#begin(this.#position);
    if (batch.length > 0) await this.#seal(batch);
  }

  /** Makes the sink ready, and writes what a new file or a file after a crash begins with. */
  async #begin(expected: ChainPosition | undefined): Promise<void> {
    const { after, isNew, removedBytes } = await this.#sink.prepare(expected);
    this.#position = after;
    const [at, first] = [this.#options.now(), [] as Pick<Waiting, "fields" | "at">[]];
    if (isNew) first.push({ fields: GENESIS, at });
    if (removedBytes > 0) {
      const detail = `removed ${removedBytes} bytes of a line that was not ended`;
      first.push({ fields: { event: "server", outcome: "error", detail }, at });
    }
    if (first.length > 0) await this.#seal(first);
  }

  async #seal(events: readonly Pick<Waiting, "fields" | "at">[]): Promise<void> {
    const lines: SealedLine[] = [];
    let after = this.#position;
    for (const event of events) {
      const line = sealLine(event, after, this.#options);
      lines.push(line);
      after = line.position;
    }
    try {
      await this.#sink.write(lines);
      this.#position = after;
    } catch (error) {
      if (error instanceof SinkFailure && error.mayBeOut) this.#position = after;
      throw error;
    }
  }

  /** Once for each trouble, however many requests it stops. */
  #tell(trouble: Error | undefined): void {
    const message = trouble instanceof AppError ? trouble.message : trouble?.name;
    if (message !== this.#trouble) this.#options.onTrouble(trouble);
    this.#trouble = message;
  }

  /** Writes what waits, then closes the sink. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drained;
    await this.#sink[Symbol.asyncDispose]();
  }
}
