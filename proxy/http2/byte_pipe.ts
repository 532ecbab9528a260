import type { ByteSource } from "../http/byte_reader.ts";
import type { ByteSink } from "../write_all.ts";

interface Written {
  readonly bytes: Uint8Array;
  /** How much of it was read. */
  at: number;
  readonly taken: PromiseWithResolvers<number>;
}

/** Bytes from one part of the proxy to another, as over a connection. A write ends when its bytes were read. */
export class BytePipe implements ByteSource, ByteSink {
  readonly #written: Written[] = [];
  #reader: (() => void) | undefined;
  #isEnded = false;
  #fault: Error | undefined;

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault;
      const next = this.#written[0];
      if (next !== undefined) return this.#take(next, into);
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#reader = resolve);
    }
  }

  #take(next: Written, into: Uint8Array): number {
    const count = Math.min(into.length, next.bytes.length - next.at);
    into.set(next.bytes.subarray(next.at, next.at + count));
    next.at += count;
    if (next.at === next.bytes.length) {
      this.#written.shift();
      next.taken.resolve(next.bytes.length);
    }
    return count;
  }

  /** @param bytes Stay as they are until the promise is settled. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    if (this.#isEnded) return Promise.reject(new Deno.errors.BrokenPipe("Cannot write: the pipe has ended"));
    if (bytes.length === 0) return Promise.resolve(0);
    const taken = Promise.withResolvers<number>();
    this.#written.push({ bytes, at: 0, taken });
    this.#wake();
    return taken.promise;
  }

  /** Nothing more comes; what was written can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Breaks both ends, unless it has ended: what was written before can still be read then. */
  fail(fault: Error = new Deno.errors.ConnectionReset("Cannot go on: the stream was reset")): void {
    if (this.#isEnded) return;
    this.#fault ??= fault;
    for (const { taken } of this.#written.splice(0)) taken.reject(this.#fault);
    this.#wake();
  }

  #wake(): void {
    this.#reader?.();
    this.#reader = undefined;
  }
}
