/** A seeded source of numbers (mulberry32), so that a run can be repeated. Not for secrets. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The same numbers for the same bytes (FNV-1a), so that an input alone repeats what was done with it. */
  static of(bytes: Uint8Array): Random {
    let hash = 0x811c9dc5;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    return new Random(hash);
  }

  /** From 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** @param items Not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
