/** Where a pattern was found: `bytes[start, end)` is pattern number `pattern`. */
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly pattern: number;
}

/** Shorter patterns are refused: they would match by chance and the search could hardly skip. */
export const MIN_PATTERN_BYTES = 8;

/** Bytes of a block; three keep chance hits rare with thousands of patterns. */
const BLOCK = 3;

/**
 * Many byte patterns, searched for at once.
 *
 * The search is Wu and Manber's ("A fast algorithm for multi-pattern searching", 1994): a table over blocks of three
 * bytes tells how far the search may skip, so that most bytes are never looked at and the cost hardly depends on how
 * many patterns there are.
 */
export class PatternSet {
  readonly #patterns: readonly Uint8Array[];
  /** How many leading bytes of each pattern the table covers: the shortest pattern's length. */
  readonly #window: number;
  readonly #mask: number;
  readonly #shift: Uint8Array;
  /** Patterns by the hash of the last block of their window, longest first. */
  readonly #byBlock = new Map<number, number[]>();
  /** Whether some pattern begins with this byte, and with these two. */
  readonly #firstByte = new Uint8Array(256);
  readonly #byFirstTwo = new Map<number, number[]>();
  readonly #longest: number;

  /** @param patterns Each of at least {@linkcode MIN_PATTERN_BYTES} bytes; none is modified or copied. */
  constructor(patterns: readonly Uint8Array[]) {
    const shortest = patterns.reduce((least, { length }) => Math.min(least, length), Number.MAX_SAFE_INTEGER);
    if (shortest < MIN_PATTERN_BYTES) {
      throw new RangeError(`Cannot search: a pattern is under ${MIN_PATTERN_BYTES} bytes`);
    }
    this.#patterns = patterns;
    this.#longest = patterns.reduce((most, { length }) => Math.max(most, length), 0);
    this.#window = Math.min(shortest, 255);
    // The table stays sparse: 16 places for each block, from 2^14 (which fits a first-level cache) to 2^22.
    const blocks = patterns.length * (this.#window - BLOCK + 1);
    const bits = Math.min(22, Math.max(14, Math.ceil(Math.log2(16 * (blocks + 1)))));
    this.#mask = (1 << bits) - 1;
    this.#shift = new Uint8Array(1 << bits).fill(Math.min(255, this.#window - BLOCK + 1));
    patterns.forEach((pattern, index) => this.#add(pattern, index));
    for (const list of this.#byBlock.values()) list.sort((a, b) => patterns[b]!.length - patterns[a]!.length);
  }

  #add(pattern: Uint8Array, index: number): void {
    for (let end = BLOCK - 1; end < this.#window; end++) {
      const block = blockHash(pattern[end - 2]!, pattern[end - 1]!, pattern[end]!) & this.#mask;
      const distance = this.#window - 1 - end;
      if (distance < this.#shift[block]!) this.#shift[block] = distance;
      if (distance === 0) append(this.#byBlock, block, index);
    }
    this.#firstByte[pattern[0]!] = 1;
    append(this.#byFirstTwo, pattern[0]! << 8 | pattern[1]!, index);
  }

  /** The first match that starts at or after `from`; of those that start together, the longest. */
  find(bytes: Uint8Array, from = 0): Match | undefined {
    if (this.#patterns.length === 0) return undefined;
    const shift = this.#shift;
    const mask = this.#mask;
    const last = bytes.length;
    let end = from + this.#window - 1;
    while (end < last) {
      const block = blockHash(bytes[end - 2]!, bytes[end - 1]!, bytes[end]!) & mask;
      const skip = shift[block]!;
      if (skip > 0) {
        end += skip;
        continue;
      }
      const start = end - this.#window + 1;
      for (const index of this.#byBlock.get(block) ?? []) {
        const pattern = this.#patterns[index]!;
        if (startsWith(bytes, start, pattern, pattern.length)) {
          return { start, end: start + pattern.length, pattern: index };
        }
      }
      end++;
    }
    return undefined;
  }

  /**
   * Where the bytes end that cannot be part of a match that goes on in bytes yet to come.
   *
   * @returns The first position at which a true prefix of some pattern runs to the end; `bytes.length` if there is none.
   */
  settledEnd(bytes: Uint8Array, from = 0): number {
    const total = bytes.length;
    for (let at = Math.max(from, total - this.#longest + 1); at < total; at++) {
      if (this.#firstByte[bytes[at]!] === 0) continue;
      if (at === total - 1) return at;
      for (const index of this.#byFirstTwo.get(bytes[at]! << 8 | bytes[at + 1]!) ?? []) {
        const pattern = this.#patterns[index]!;
        if (pattern.length > total - at && startsWith(bytes, at, pattern, total - at)) return at;
      }
    }
    return total;
  }
}

function blockHash(a: number, b: number, c: number): number {
  return (a * 0x9e3) ^ (b * 0x85eb) ^ (c * 0xc2b2b);
}

function startsWith(bytes: Uint8Array, at: number, pattern: Uint8Array, length: number): boolean {
  if (at + length > bytes.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== pattern[i]) return false;
  return true;
}

function append(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
