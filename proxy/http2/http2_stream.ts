import type { Http2ErrorCode } from "./http2_error.ts";

/** What a stream asks of its connection. */
export interface StreamOwner {
  sendHeaders(stream: Http2Stream, raw: readonly string[], options: { end: boolean }): Promise<void>;
  /** Ends when the windows let all of it go. */
  sendData(stream: Http2Stream, bytes: Uint8Array): Promise<void>;
  sendEnd(stream: Http2Stream): Promise<void>;
  sendReset(stream: Http2Stream, code: Http2ErrorCode): void;
  /** Bytes were taken: the peer may send as many more. */
  returnCredit(stream: Http2Stream, bytes: number): void;
  /** Both sides have ended, or one was reset. */
  forget(stream: Http2Stream): void;
}

/** One stream of an HTTP/2 connection, from either side. */
export class Http2Stream {
  readonly id: number;
  readonly #owner: StreamOwner;
  readonly #pieces: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  readonly #onClose: (() => void)[] = [];
  #remoteEnded = false;
  #localEnded = false;
  #fault: Error | undefined;
  /** What is left of the length that was announced; undefined where none was. */
  #announced: number | undefined;
  /** What may be sent. The connection counts it. */
  sendWindow: number;
  /** What may still come. The connection counts it. */
  receiveWindow: number;
  /** Taken, and not given back yet. */
  owed = 0;
  /** As it came, after the body; empty where there is none. */
  trailers: readonly string[] = [];
  /** The head of the final answer, for who opened the stream. */
  readonly answered = Promise.withResolvers<{ readonly raw: readonly string[]; readonly ended: boolean }>();
  /** Whether that has come. */
  isAnswered = false;

  constructor(id: number, owner: StreamOwner, windows: { send: number; receive: number }) {
    this.id = id;
    this.#owner = owner;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
    // Nobody may be waiting for it.
    this.answered.promise.catch(() => {});
  }

  /** Neither side can send any more. */
  get isClosed(): boolean {
    return this.#fault !== undefined || (this.#remoteEnded && this.#localEnded);
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  get localEnded(): boolean {
    return this.#localEnded;
  }

  onClose(told: () => void): void {
    if (this.isClosed) told();
    else this.#onClose.push(told);
  }

  /** @returns The next piece of the body, undefined at its end. @throws {Error} if the stream was reset before. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#owner.returnCredit(this, piece.length);
        return piece;
      }
      if (this.#remoteEnded) return undefined;
      if (this.#fault !== undefined) throw this.#fault;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  sendHeaders(raw: readonly string[], options: { end: boolean }): Promise<void> {
    return this.#sending(() => this.#owner.sendHeaders(this, raw, options), options.end);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#sending(() => this.#owner.sendData(this, bytes), false);
  }

  /** Ends our side, with trailers if there are any. */
  end(trailers: readonly string[] = []): Promise<void> {
    return this.#sending(
      () => trailers.length > 0 ? this.#owner.sendHeaders(this, trailers, { end: true }) : this.#owner.sendEnd(this),
      true,
    );
  }

  async #sending(send: () => Promise<void>, ends: boolean): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#localEnded) throw new Deno.errors.BrokenPipe("Cannot write: the stream has ended");
    if (ends) this.#localEnded = true;
    await send();
    if (ends) this.#closeIfDone();
  }

  /** Ends both sides. Nothing more is read or written; to the other side nothing that is not whole looks so. */
  reset(code: Http2ErrorCode): void {
    this.#discard();
    if (this.isClosed) return;
    this.#owner.sendReset(this, code);
    this.fail();
  }

  /** The connection has an end for this stream. */
  fail(fault: Error = new Deno.errors.ConnectionReset("Cannot go on: the stream was reset")): void {
    if (this.isClosed) return;
    this.#fault = fault;
    // What is whole may still be read.
    if (!this.#remoteEnded) this.#discard();
    this.answered.reject(fault);
    this.#close();
  }

  /** What nobody reads any more counts against the window that all streams share. */
  #discard(): void {
    for (const { length } of this.#pieces.splice(0)) this.#owner.returnCredit(this, length);
  }

  /** @param raw Of the head, for the length that it announces. */
  expectBody(raw: readonly string[]): void {
    for (let at = 0; at + 1 < raw.length; at += 2) {
      if (raw[at] === "content-length") this.#announced = Number(raw[at + 1]);
    }
  }

  /** @returns False if the body is longer than was announced (RFC 9113 §8.1.1). */
  receive(piece: Uint8Array): boolean {
    if (this.#announced !== undefined && !((this.#announced -= piece.length) >= 0)) return false;
    if (piece.length > 0) this.#pieces.push(piece);
    this.#rouse();
    return true;
  }

  /**
   * The other side has ended.
   *
   * @param isWhole Whether what was announced has to have come; an answer to HEAD announces what it does not have.
   * @returns False if something of it did not come.
   */
  receiveEnd({ isWhole }: { isWhole: boolean }): boolean {
    if (isWhole && this.#announced !== undefined && this.#announced !== 0) return false;
    this.#remoteEnded = true;
    this.#rouse();
    this.#closeIfDone();
    return true;
  }

  #closeIfDone(): void {
    if (this.#remoteEnded && this.#localEnded) this.#close();
  }

  #close(): void {
    this.#rouse();
    this.#owner.forget(this);
    for (const told of this.#onClose.splice(0)) told();
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
