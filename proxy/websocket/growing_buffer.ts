const EMPTY = new Uint8Array(0);
/** The first allocation; most of what is gathered stays below it. */
const FIRST_BYTES = 1024;

/** Gathers bytes in one block, so that a million parts of one byte cost no more than their bytes (TM-24). */
export class GrowingBuffer {
  #bytes: Uint8Array = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param part Copied. */
  append(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  /** Hands out all that was gathered, and keeps nothing. */
  take(): Uint8Array {
    const all = this.#bytes.subarray(0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return all;
  }
}
