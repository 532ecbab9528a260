import { concat, concatAll } from "../concat.ts";
import type { Match, PatternSet } from "./pattern_set.ts";

/** What is looked for, and what stands there instead. */
export interface Replacements {
  readonly set: PatternSet;
  /** The stand-in of each pattern, by its number. */
  readonly standIns: readonly Uint8Array[];
}

const FILL = "*".charCodeAt(0);
const EMPTY = new Uint8Array(0);

/**
 * Replaces patterns in a stream, also where they straddle chunks (TM-03) and where they overlap.
 *
 * Only bytes that a pattern might begin with are held back, so that a stream of events does not stall.
 *
 * Of patterns that overlap the first one gets its stand-in, and what the next ones cover beyond it is filled with `*`:
 * else a host or program that has a say in one pattern could have the beginning of another taken away, and read the rest
 * of it (TM-06).
 */
export class StreamReplacer {
  #replacements: Replacements;
  readonly #keepLength: boolean;
  #held: Uint8Array = EMPTY;
  /** How many of the held bytes are replaced already: they are held because another pattern may begin in them. */
  #covered = 0;
  /** How many times a pattern was replaced. */
  replaced = 0;

  /**
   * @param options `keepLength`: stand-ins are cut or filled with `*` to the length of what they replace, for bodies whose
   * length was announced before all of them was seen.
   */
  constructor(replacements: Replacements, options: { readonly keepLength: boolean }) {
    this.#replacements = replacements;
    this.#keepLength = options.keepLength;
  }

  /** How many bytes are held back. */
  get pending(): number {
    return this.#held.length - this.#covered;
  }

  /** From here on, what is held back included, other patterns are looked for. */
  use(replacements: Replacements): void {
    this.#replacements = replacements;
  }

  /**
   * Takes the next bytes.
   *
   * @returns What may go out now; it may be a part of `chunk` itself. Nothing of `chunk` is kept by reference.
   */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? chunk : concat(this.#held, chunk);
    // A match behind it waits: a longer pattern that covers it may have begun before it and not be whole yet.
    return this.#take(bytes, this.#replacements.set.settledEnd(bytes));
  }

  /** Ends the stream: what was held back goes out. */
  flush(): Uint8Array {
    return this.#take(this.#held, this.#held.length);
  }

  /** Gives out what begins before `settled`, and holds the rest. */
  #take(bytes: Uint8Array, settled: number): Uint8Array {
    const { set } = this.#replacements;
    const out: Uint8Array[] = [];
    let done = this.#covered;
    for (let match = set.find(bytes); match !== undefined && match.start < settled;) {
      if (match.start >= done) out.push(bytes.subarray(done, match.start), this.#standIn(match));
      else if (match.end > done) out.push(new Uint8Array(match.end - done).fill(FILL));
      done = Math.max(done, match.end);
      match = set.find(bytes, match.start + 1);
    }
    this.#held = settled === bytes.length ? EMPTY : bytes.slice(settled);
    this.#covered = settled === bytes.length ? 0 : Math.max(0, done - settled);
    const rest = bytes.subarray(done, Math.max(done, settled));
    return out.length === 0 ? rest : concatAll([...out, rest]);
  }

  #standIn({ pattern, start, end }: Match): Uint8Array {
    this.replaced++;
    const standIn = this.#replacements.standIns[pattern]!;
    if (!this.#keepLength || standIn.length === end - start) return standIn;
    const sized = new Uint8Array(end - start).fill(FILL);
    sized.set(standIn.subarray(0, sized.length));
    return sized;
  }
}
