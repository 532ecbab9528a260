import type { Socket } from "node:net";

/** A socket of Node's as the connections of Deno are: read when asked, so that what nobody reads is not taken in. */
export class NodeConn {
  readonly #socket: Socket;
  readonly #wake = () => {
    this.#waiting?.();
    this.#waiting = undefined;
  };
  readonly #onEnd = () => {
    this.#ended = true;
    this.#wake();
  };
  readonly #onError = (error: Error) => {
    this.#error ??= error;
    this.#wake();
  };
  readonly #onClose = () => {
    if (!this.#ended) this.#error ??= new Error("Cannot go on: the connection was closed");
    this.#wake();
  };
  /** Read, and not handed out yet. */
  #left: Uint8Array | undefined;
  #ended = false;
  #error: Error | undefined;
  #waiting: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", this.#wake).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** @returns `null` at the end. One reader at a time. */
  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const bytes: Uint8Array | null = this.#left ?? this.#socket.read();
      if (bytes !== null) {
        const count = Math.min(bytes.length, into.length);
        into.set(bytes.subarray(0, count));
        this.#left = count < bytes.length ? bytes.subarray(count) : undefined;
        return count;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  /** Returns once the socket has taken all of it. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      // The caller may use its buffer again.
      this.#socket.write(bytes.slice(), (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Gives the socket back. What was read of it before is lost. */
  release(): void {
    this.#socket.off("readable", this.#wake).off("end", this.#onEnd).off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
  }
}
