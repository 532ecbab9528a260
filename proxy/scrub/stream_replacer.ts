import { concat, concatAll } from "../concat.ts";
import type { Match, PatternSet } from "./pattern_set.ts";

/** How a stream is rewritten. */
export interface ReplacerOptions {
  /** The stand-in of each pattern, by its number. */
  readonly replacements: readonly Uint8Array[];
  /**
   * Stand-ins are cut or filled with `*` to the length of what they replace, for bodies whose length was announced
   * before all of them was seen.
   */
  readonly keepLength: boolean;
}

const FILL = "*".charCodeAt(0);
const EMPTY = new Uint8Array(0);

/**
 * Replaces patterns in a stream, also where they straddle chunks (TM-03).
 *
 * Only bytes that a pattern might begin with are held back, so that a stream of events does not stall.
 */
export class StreamReplacer {
  readonly #set: PatternSet;
  readonly #options: ReplacerOptions;
  #held: Uint8Array = EMPTY;
  /** How many times a pattern was replaced. */
  replaced = 0;

  constructor(set: PatternSet, options: ReplacerOptions) {
    this.#set = set;
    this.#options = options;
  }

  /** How many bytes are held back. */
  get pending(): number {
    return this.#held.length;
  }

  /**
   * Takes the next bytes.
   *
   * @returns What may go out now; it may be a part of `chunk` itself. Nothing of `chunk` is kept by reference.
   */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? chunk : concat(this.#held, chunk);
    const out: Uint8Array[] = [];
    let from = 0;
    let settled = this.#set.settledEnd(bytes);
    // A match behind `settled` waits: a longer pattern that covers it may have begun before it and not be whole yet.
    for (let match = this.#set.find(bytes); match !== undefined && match.start < settled;) {
      out.push(bytes.subarray(from, match.start), this.#replacement(match));
      from = match.end;
      if (from > settled) settled = this.#set.settledEnd(bytes, from);
      match = this.#set.find(bytes, from);
    }
    this.#held = settled === bytes.length ? EMPTY : bytes.slice(settled);
    const rest = bytes.subarray(from, settled);
    return out.length === 0 ? rest : concatAll([...out, rest]);
  }

  /** Ends the stream: what was held back goes out. */
  flush(): Uint8Array {
    const bytes = this.#held;
    this.#held = EMPTY;
    const out: Uint8Array[] = [];
    let from = 0;
    for (let match = this.#set.find(bytes); match !== undefined; match = this.#set.find(bytes, from)) {
      out.push(bytes.subarray(from, match.start), this.#replacement(match));
      from = match.end;
    }
    return out.length === 0 ? bytes : concatAll([...out, bytes.subarray(from)]);
  }

  #replacement({ pattern, start, end }: Match): Uint8Array {
    this.replaced++;
    const replacement = this.#options.replacements[pattern]!;
    if (!this.#options.keepLength || replacement.length === end - start) return replacement;
    const sized = new Uint8Array(end - start).fill(FILL);
    sized.set(replacement.subarray(0, sized.length));
    return sized;
  }
}
