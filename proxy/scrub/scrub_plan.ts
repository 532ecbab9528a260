import { concat } from "../concat.ts";
import { encodedForms } from "./encodings.ts";
import { MIN_PATTERN_BYTES, PatternSet } from "./pattern_set.ts";
import { StreamReplacer } from "./stream_replacer.ts";

/** Values under this many bytes are not searched for: text would match by chance, and a guess costs nothing. */
export const MIN_SCRUBBED_BYTES = MIN_PATTERN_BYTES;

/** A text that must not get out, and what stands there instead. */
export interface Replacement {
  readonly text: string;
  readonly standIn: string;
}

/** All that is searched for in one direction, made once for a run. */
export class ScrubPlan {
  readonly #set: PatternSet;
  readonly #standIns: readonly Uint8Array[];
  /** Which replacement each pattern belongs to. */
  readonly #owner: readonly number[];

  /** @param replacements Texts under {@linkcode MIN_SCRUBBED_BYTES} bytes are passed over. */
  constructor(replacements: readonly Replacement[]) {
    const patterns: Uint8Array[] = [];
    const standIns: Uint8Array[] = [];
    const owner: number[] = [];
    replacements.forEach(({ text, standIn }, index) => {
      if (new TextEncoder().encode(text).length < MIN_SCRUBBED_BYTES) return;
      const bytes = new TextEncoder().encode(standIn);
      for (const form of encodedForms(text)) {
        patterns.push(form);
        standIns.push(bytes);
        owner.push(index);
      }
    });
    this.#set = new PatternSet(patterns);
    this.#standIns = standIns;
    this.#owner = owner;
  }

  /** The index of the first replacement whose text stands in `bytes` in some form; undefined if none does. */
  search(bytes: Uint8Array): number | undefined {
    const match = this.#set.find(bytes);
    return match === undefined ? undefined : this.#owner[match.pattern];
  }

  /** A new rewriter for one stream. */
  replacer(options: { keepLength: boolean }): StreamReplacer {
    return new StreamReplacer(this.#set, { replacements: this.#standIns, keepLength: options.keepLength });
  }

  /** Rewrites bytes that are whole. Returns `bytes` itself when there is nothing to replace. */
  replaceAll(bytes: Uint8Array): Uint8Array {
    if (this.#set.find(bytes) === undefined) return bytes;
    const replacer = this.replacer({ keepLength: false });
    return concat(replacer.push(bytes), replacer.flush());
  }

  /** A detector for one stream that nothing is replaced in. */
  detector(): StreamDetector {
    return new StreamDetector(this.#set, this.#owner);
  }
}

/** Finds texts in a stream, also where they straddle chunks, and holds back what may begin one. */
export class StreamDetector {
  readonly #set: PatternSet;
  readonly #owner: readonly number[];
  #held: Uint8Array = new Uint8Array(0);

  constructor(set: PatternSet, owner: readonly number[]) {
    this.#set = set;
    this.#owner = owner;
  }

  /** Takes the next bytes: what may go out now, or the index of the replacement that was found. */
  push(chunk: Uint8Array): { readonly out: Uint8Array } | { readonly found: number } {
    const bytes = this.#held.length === 0 ? chunk : concat(this.#held, chunk);
    const match = this.#set.find(bytes);
    if (match !== undefined) return { found: this.#owner[match.pattern]! };
    const settled = this.#set.settledEnd(bytes);
    this.#held = bytes.slice(settled);
    return { out: bytes.subarray(0, settled) };
  }

  /** Ends the stream: what was held back goes out; it holds no whole pattern. */
  flush(): Uint8Array {
    const rest = this.#held;
    this.#held = new Uint8Array(0);
    return rest;
  }
}
