import type { Socket } from "node:net";
import type { ClientConn } from "./http_listener.ts";

/** A socket of Node's kind, read and written as Deno's are. It is read only when somebody asks for bytes. */
export class SocketConn implements ClientConn {
  readonly #socket: Socket;
  /** What came and was not read. */
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;
  #waiting: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.pause();
    socket.setNoDelay(true);
    socket.on("data", (piece: Uint8Array) => {
      socket.pause();
      this.#rest = this.#rest.length === 0 ? piece : joined(this.#rest, piece);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    // The close that follows says enough.
    socket.on("error", end);
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      if (this.#ended) return null;
      const more = new Promise<void>((resolve) => this.#waiting = resolve);
      this.#socket.resume();
      await more;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // What was destroyed may never call back.
    const gone = () => reject(new Deno.errors.ConnectionReset());
    if (this.#socket.destroyed) gone();
    this.#socket.once("close", gone);
    this.#socket.write(bytes, (error) => {
      this.#socket.off("close", gone);
      if (error) reject(error);
      else resolve(bytes.length);
    });
    return promise;
  }

  closeWrite(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.destroyed) resolve();
    this.#socket.once("close", () => resolve());
    this.#socket.end(() => resolve());
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
