import { AppError } from "../../../policy/error.ts";
import { takeLock } from "../../../providers/atomic_file.ts";
import { systemState } from "../../config/system_error.ts";
import { CHAIN_START, type ChainPosition, MAX_LINE_BYTES, type SealedLine } from "./audit_line.ts";
import { MAX_BATCH } from "./audit_log.ts";
import { type AuditSink, type PreparedSink, SinkFailure } from "./audit_sink.ts";
import { ChainVerifier, FAULTS } from "./chain_verifier.ts";
import { readTail } from "./read_tail.ts";

/** A server that ends lets go of its log within this. */
const LOCK_TIMEOUT_MS = 2_000;
/** How much of the end of a log is checked when it is continued. */
const CHECKED_LINES = 64;
/** A crash leaves a part of one batch at most. */
const MAX_TORN_BYTES = MAX_BATCH * MAX_LINE_BYTES;

interface OpenLog {
  readonly file: Deno.FsFile;
  /** Held as long as the file is written. */
  readonly lock: Disposable;
  readonly after: ChainPosition;
  /** The size with all lines that are safe, and nothing else. */
  readonly size: number;
}

/** A file that this process alone writes, at its end alone. What is acknowledged is on disk (`fdatasync`). */
export class FileSink implements AuditSink {
  readonly #path: string;
  readonly #key: Uint8Array | undefined;
  #log: OpenLog | undefined;
  /** A write failed and may have left something behind the last whole line. */
  #isDirty = false;
  #removedBytes = 0;

  /** @param path Absolute. */
  constructor(path: string, key: Uint8Array | undefined) {
    this.#path = path;
    this.#key = key;
  }

  async prepare(expected: ChainPosition | undefined): Promise<PreparedSink> {
    try {
      if (this.#isDirty) await this.#clean();
      // Somebody else cut it, added to it or removed it: what stands there now decides.
      if (this.#log !== undefined && !isAsLeft(this.#log)) this.reopen();
      this.#log ??= await this.#open(expected);
    } catch (error) {
      throw error instanceof AppError ? error : this.#unwritable(error);
    }
    const { after, size } = this.#log;
    return { after, isNew: size === 0, removedBytes: this.#removedBytes };
  }

  async write(lines: readonly SealedLine[]): Promise<void> {
    const last = lines.at(-1);
    if (this.#log === undefined || last === undefined) return;
    const { file } = this.#log;
    // A line is ASCII.
    const bytes = new TextEncoder().encode(lines.map(({ text }) => `${text}\n`).join(""));
    this.#isDirty = true;
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.syncData();
    } catch (error) {
      await this.#clean().catch(() => {});
      throw new SinkFailure(this.#unwritable(error), { mayBeOut: false });
    }
    this.#isDirty = false;
    this.#log = { ...this.#log, after: last.position, size: this.#log.size + bytes.length };
    this.#removedBytes = 0;
    // A removed file takes its lines along.
    if (!isAsLeft(this.#log)) {
      throw new SinkFailure(this.#refusal("AUDIT_UNWRITABLE", "another process removed or changed it"), {
        mayBeOut: true,
      });
    }
  }

  reopen(): void {
    this.#log?.file.close();
    if (this.#log?.lock !== this.#log?.file) this.#log?.lock[Symbol.dispose]();
    this.#log = undefined;
    this.#isDirty = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.reopen();
    return Promise.resolve();
  }

  /** Cuts off what a failed write left, so that no line has a half of another before it. */
  async #clean(): Promise<void> {
    if (this.#log === undefined) return;
    const { file, size } = this.#log;
    // A file that somebody cut off would grow by zeros.
    if (file.statSync().size > size) {
      await file.truncate(size);
      await file.syncData();
    }
    this.#isDirty = false;
  }

  async #open(expected: ChainPosition | undefined): Promise<OpenLog> {
    await this.#checkKind();
    const file = await Deno.open(this.#path, { read: true, append: true, create: true, mode: 0o600 });
    let lock: Disposable | undefined;
    try {
      const [info, named] = [file.statSync(), await Deno.lstat(this.#path)];
      if (!named.isFile || named.ino !== info.ino || named.dev !== info.dev) {
        throw this.#refusal("AUDIT_UNWRITABLE", "it was replaced while it was opened");
      }
      if (info.mode !== null && (info.mode & 0o022) !== 0) {
        throw this.#refusal("AUDIT_UNWRITABLE", "other users may write it", ["Take the permission away: chmod go-w"]);
      }
      lock = await this.#lock(file);
      return { file, lock, ...await this.#continue(file, expected) };
    } catch (error) {
      if (lock !== undefined && lock !== file) lock[Symbol.dispose]();
      closeQuietly(file);
      throw error;
    }
  }

  /** Nothing is opened that is not a file: to open a link makes the file behind it, and a pipe may wait for ever. */
  async #checkKind(): Promise<void> {
    try {
      const { isFile } = await Deno.lstat(this.#path);
      if (!isFile) throw this.#refusal("AUDIT_UNWRITABLE", "it is not a regular file");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** The lock is that of the file itself. On Windows it would keep readers out, and is that of a file beside it. */
  async #lock(file: Deno.FsFile): Promise<Disposable> {
    const lock = Deno.build.os === "windows"
      ? await Deno.open(`${this.#path}.lock`, { write: true, create: true })
      : file;
    const { signal } = new AbortController();
    if (await takeLock(lock, { signal, timeoutMs: LOCK_TIMEOUT_MS })) return lock;
    throw this.#refusal("AUDIT_UNWRITABLE", "another process is writing it", ["Give every server a log of its own"]);
  }

  /** Finds the end of the chain, and removes a line that a crash left without an end: it was never acknowledged. */
  async #continue(
    file: Deno.FsFile,
    expected: ChainPosition | undefined,
  ): Promise<{ after: ChainPosition; size: number }> {
    const { size: whole } = file.statSync();
    const { lines, tornBytes } = await readTail(file, whole, { lines: CHECKED_LINES, bytes: MAX_TORN_BYTES });
    if (lines.length === 0 && tornBytes < whole) throw this.#broken(FAULTS.torn);
    const after = lines.length === 0 ? expected ?? CHAIN_START : this.#endOf(lines);
    if (expected !== undefined && after.hash !== expected.hash) throw this.#broken("it is not the log of this server");
    const size = whole - tornBytes;
    if (tornBytes > 0) {
      await file.truncate(size);
      await file.syncData();
      this.#removedBytes += tornBytes;
    }
    return { after, size };
  }

  #endOf(lines: readonly string[]): ChainPosition {
    const verifier = new ChainVerifier({ key: this.#key, from: "anywhere" });
    for (const line of lines) {
      const fault = verifier.accept(line);
      if (fault !== undefined) throw this.#broken(`near its end, ${FAULTS[fault]}`);
    }
    if (this.#key === undefined && verifier.hasMac) {
      throw this.#broken("its lines have MACs, and this server has no key");
    }
    return verifier.position;
  }

  #broken(state: string): AppError {
    return this.#refusal("AUDIT_BROKEN", state, [
      "Look at it with: kz audit verify",
      "Move it away; the server then begins a new one",
    ]);
  }

  #unwritable(error: unknown): AppError {
    return this.#refusal("AUDIT_UNWRITABLE", systemState(error));
  }

  #refusal(code: "AUDIT_BROKEN" | "AUDIT_UNWRITABLE", state: string, hints: readonly string[] = []): AppError {
    return new AppError(code, `Cannot continue audit log "${this.#path}": ${state}`, { hints });
  }
}

/** Whether the file has a name still, and the size that we gave it. */
function isAsLeft({ file, size }: OpenLog): boolean {
  const info = file.statSync();
  return info.size === size && info.nlink !== 0;
}

function closeQuietly(file: Deno.FsFile): void {
  try {
    file.close();
  } catch {
    // A lock that could not be had closed it.
  }
}
