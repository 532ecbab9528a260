import { HttpError } from "./http_error.ts";

/** Where bytes come from: a connection. `null` is the end. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
}

/** An idle connection keeps this much, so that thousands of them stay cheap. */
const FIRST_BUFFER_BYTES = 4 * 1024;
/** What one read may bring; more gains nothing on loopback. */
const FULL_BUFFER_BYTES = 64 * 1024;
const LF = 10;
const CR = 13;

/**
 * Reads heads and bodies from a connection through one buffer.
 *
 * Bytes that `available` shows are valid until the next `fill()`.
 */
export class ByteReader {
  readonly #source: ByteSource;
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #ended = false;
  #pending: Promise<boolean> | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** What was read and not consumed. */
  get available(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  get availableLength(): number {
    return this.#end - this.#start;
  }

  /** Whether the end was seen. */
  get ended(): boolean {
    return this.#ended;
  }

  consume(count: number): void {
    this.#start += count;
  }

  /**
   * Waits for more bytes. Calls share one pending read, so that an idle connection can be watched and used later.
   *
   * @returns False at the end.
   */
  fill(): Promise<boolean> {
    if (this.#pending !== undefined) return this.#pending;
    if (this.#ended) return Promise.resolve(false);
    this.#makeRoom();
    return this.#pending = this.#source.read(this.#buffer.subarray(this.#end)).then(this.#take, this.#fail);
  }

  readonly #take = (count: number | null): boolean => {
    this.#pending = undefined;
    if (count === null) this.#ended = true;
    else this.#end += count;
    return count !== null;
  };

  readonly #fail = (error: unknown): never => {
    this.#pending = undefined;
    this.#ended = true;
    throw error;
  };

  #makeRoom(): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end < this.#buffer.length) return;
    // Full: move what is left to the front, or grow to take it and as much again.
    const left = this.#end - this.#start;
    if (this.#buffer.length < FULL_BUFFER_BYTES || left === this.#buffer.length) {
      const larger = new Uint8Array(Math.max(FULL_BUFFER_BYTES, 2 * left));
      larger.set(this.available);
      this.#buffer = larger;
    } else {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = left;
  }

  /**
   * Reads a head up to and with its empty line.
   *
   * @param maxBytes Of the whole head.
   * @param onWait Told each time that the head is not whole yet.
   * @returns The head's bytes, valid until the next `fill()`; undefined if the connection ended before the first one.
   * @throws {HttpError} if it is too long, cut off, or a line ends with anything but CR LF.
   */
  async readHead(maxBytes: number, onWait: () => void = () => {}): Promise<Uint8Array | undefined> {
    let scanned = 0;
    let lineStart = 0;
    for (;;) {
      const bytes = this.available;
      for (;;) {
        const lf = bytes.indexOf(LF, scanned);
        if (lf < 0) break;
        if (lf === 0 || bytes[lf - 1] !== CR) throw new HttpError("HTTP_LINE_INVALID", 400);
        if (lf - 1 === lineStart) {
          // An empty line before the start line is not skipped (RFC 9112 §2.2 allows it for servers; we are strict).
          if (lineStart === 0) throw new HttpError("HTTP_LINE_INVALID", 400);
          if (lf + 1 > maxBytes) throw new HttpError("HTTP_HEAD_TOO_LARGE", 431);
          this.consume(lf + 1);
          return bytes.subarray(0, lf + 1);
        }
        lineStart = scanned = lf + 1;
      }
      if (bytes.length > maxBytes) throw new HttpError("HTTP_HEAD_TOO_LARGE", 431);
      scanned = bytes.length;
      onWait();
      if (!await this.fill()) {
        if (bytes.length === 0) return undefined;
        throw new HttpError("HTTP_HEAD_CUT_OFF", 400);
      }
    }
  }
}
