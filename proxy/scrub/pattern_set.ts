/** Where a pattern was found: `bytes[start, end)` is pattern number `pattern`. */
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly pattern: number;
}

/** Shorter patterns are refused: they would match by chance and the search could hardly skip. */
export const MIN_PATTERN_BYTES = 8;

/** Bytes of a block; four keep chance hits rare with thousands of patterns, also of hexadecimal digits. */
const BLOCK = 4;

/** Blocks that the table holds at most, however many patterns there are: more of them would be hit by chance. */
const MAX_BLOCKS = 1 << 17;

/**
 * Many byte patterns, searched for at once.
 *
 * The search is Wu and Manber's ("A fast algorithm for multi-pattern searching", 1994): a table over blocks of four
 * bytes tells how far the search may skip, so that most bytes are never looked at and the cost hardly depends on how
 * many patterns there are.
 */
export class PatternSet {
  readonly #patterns: readonly Uint8Array[];
  /** How many leading bytes of each pattern the table covers: the shortest pattern's length, or less. */
  readonly #window: number;
  /** What is cut from a hash to find its place in `#shift`. */
  readonly #spareBits: number;
  readonly #shift: Uint8Array;
  /** Patterns by the hash of the last block of their window, longest first. */
  readonly #byBlock = new Map<number, number[]>();
  /** Whether some pattern begins with this byte. */
  readonly #firstByte = new Uint8Array(256);
  /** The first two and the first three bytes of patterns, each as one number. */
  readonly #firstTwo = new Set<number>();
  readonly #firstThree = new Set<number>();
  /** Patterns by their first block. */
  readonly #byFirstBlock = new Map<number, number[]>();
  readonly #longest: number;

  /** @param patterns Each of at least {@linkcode MIN_PATTERN_BYTES} bytes; none is modified or copied. */
  constructor(patterns: readonly Uint8Array[]) {
    const shortest = patterns.reduce((least, { length }) => Math.min(least, length), Number.MAX_SAFE_INTEGER);
    if (shortest < MIN_PATTERN_BYTES) {
      throw new RangeError(`Cannot search: a pattern is under ${MIN_PATTERN_BYTES} bytes`);
    }
    this.#patterns = patterns;
    this.#longest = patterns.reduce((most, { length }) => Math.max(most, length), 0);
    const covered = Math.max(MIN_PATTERN_BYTES, Math.floor(MAX_BLOCKS / (patterns.length + 1)) + BLOCK - 1);
    this.#window = Math.min(shortest, 255, covered);
    // The table stays sparse: 16 places for each block, from 2^14 (which fits a first-level cache) to 2^22.
    const blocks = patterns.length * (this.#window - BLOCK + 1);
    const bits = Math.min(22, Math.max(14, Math.ceil(Math.log2(16 * (blocks + 1)))));
    this.#spareBits = 32 - bits;
    this.#shift = new Uint8Array(1 << bits).fill(this.#window - BLOCK + 1);
    patterns.forEach((pattern, index) => this.#add(pattern, index));
    for (const list of this.#byBlock.values()) list.sort((a, b) => patterns[b]!.length - patterns[a]!.length);
  }

  #add(pattern: Uint8Array, index: number): void {
    for (let end = BLOCK - 1; end < this.#window; end++) {
      const block = hash(blockAt(pattern, end - BLOCK + 1)) >>> this.#spareBits;
      const distance = this.#window - 1 - end;
      if (distance < this.#shift[block]!) this.#shift[block] = distance;
      if (distance === 0) append(this.#byBlock, block, index);
    }
    this.#firstByte[pattern[0]!] = 1;
    this.#firstTwo.add(two(pattern, 0));
    this.#firstThree.add(three(pattern, 0));
    append(this.#byFirstBlock, blockAt(pattern, 0), index);
  }

  /** The first match that starts at or after `from`; of those that start together, the longest. */
  find(bytes: Uint8Array, from = 0): Match | undefined {
    if (this.#patterns.length === 0) return undefined;
    const shift = this.#shift;
    const spareBits = this.#spareBits;
    const last = bytes.length;
    let end = from + this.#window - 1;
    while (end < last) {
      const block = hash(blockAt(bytes, end - BLOCK + 1)) >>> spareBits;
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
      if (this.#firstByte[bytes[at]!] === 1 && this.#mayBegin(bytes, at)) return at;
    }
    return total;
  }

  /** Whether all that follows is the beginning of a longer pattern. Every pattern is longer than a block. */
  #mayBegin(bytes: Uint8Array, at: number): boolean {
    const left = bytes.length - at;
    if (left === 1) return true;
    if (left === 2) return this.#firstTwo.has(two(bytes, at));
    if (left === 3) return this.#firstThree.has(three(bytes, at));
    const candidates = this.#byFirstBlock.get(blockAt(bytes, at));
    return candidates?.some((index) => {
      const pattern = this.#patterns[index]!;
      return pattern.length > left && startsWith(bytes, at, pattern, left);
    }) === true;
  }
}

function two(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8;
}

function three(bytes: Uint8Array, at: number): number {
  return two(bytes, at) | bytes[at + 2]! << 16;
}

function blockAt(bytes: Uint8Array, at: number): number {
  return three(bytes, at) | bytes[at + 3]! << 24;
}

/** A multiplicative hash: its upper bits are the good ones. */
function hash(block: number): number {
  return Math.imul(block, 0x9e3779b1);
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
