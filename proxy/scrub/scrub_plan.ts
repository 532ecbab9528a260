import type { SecretName } from "../../policy/secret_name.ts";
import { concat } from "../concat.ts";
import { encodedForms } from "./encodings.ts";
import { MIN_PATTERN_BYTES, PatternSet } from "./pattern_set.ts";
import { type Replacements, StreamReplacer } from "./stream_replacer.ts";

/** Values under this many bytes are not searched for: text would match by chance, and a guess costs nothing. */
export const MIN_SCRUBBED_BYTES = MIN_PATTERN_BYTES;

/** A text that must not get out, and what stands there instead. */
export interface Replacement {
  readonly text: string;
  readonly standIn: string;
  /** The secret that `text` is the value of; absent for a token, whose stand-in is itself, and where secrets have no names. */
  readonly secret?: SecretName;
}

/** Forms of replacements that are in use: a plan is made anew with each value that comes to many others. */
const FORMS = new WeakMap<Replacement, readonly Uint8Array[]>();

function formsOf(replacement: Replacement): readonly Uint8Array[] {
  let forms = FORMS.get(replacement);
  if (forms === undefined) FORMS.set(replacement, forms = encodedForms(replacement.text));
  return forms;
}

/** What is searched for, pattern by pattern. */
interface Tables extends Replacements {
  /** Which replacement each pattern belongs to. */
  readonly owner: readonly Replacement[];
}

function tablesOf(replacements: readonly Replacement[]): Tables {
  const patterns: Uint8Array[] = [];
  const standIns: Uint8Array[] = [];
  const owner: Replacement[] = [];
  for (const replacement of replacements) {
    const { text, standIn } = replacement;
    if (new TextEncoder().encode(text).length < MIN_SCRUBBED_BYTES) continue;
    const bytes = new TextEncoder().encode(standIn);
    for (const form of formsOf(replacement)) {
      patterns.push(form);
      standIns.push(bytes);
      owner.push(replacement);
    }
  }
  return { set: new PatternSet(patterns), standIns, owner };
}

/** All that is searched for in one direction, made once for a run. */
export class ScrubPlan {
  readonly #set: PatternSet;
  readonly #standIns: readonly Uint8Array[];
  readonly #owner: readonly Replacement[];

  /** @param replacements Texts under {@linkcode MIN_SCRUBBED_BYTES} bytes are passed over. */
  constructor(replacements: readonly Replacement[] | Tables) {
    const { set, standIns, owner } = "set" in replacements ? replacements : tablesOf(replacements);
    this.#set = set;
    this.#standIns = standIns;
    this.#owner = owner;
  }

  /**
   * The same plan with other stand-ins for some texts; it searches in the same tables.
   *
   * @param standIns By text. Texts that are not in the plan are passed over.
   */
  withStandIns(standIns: ReadonlyMap<string, string>): ScrubPlan {
    const bytes = new Map(Array.from(standIns, ([text, standIn]) => [text, new TextEncoder().encode(standIn)]));
    const changed = this.#standIns.map((before, at) => bytes.get(this.#owner[at]!.text) ?? before);
    return new ScrubPlan({ set: this.#set, standIns: changed, owner: this.#owner });
  }

  /** The first replacement whose text stands in `bytes` in some form; undefined if none does. */
  search(bytes: Uint8Array): Replacement | undefined {
    const match = this.#set.find(bytes);
    return match === undefined ? undefined : this.#owner[match.pattern];
  }

  /** A new rewriter for one stream. */
  replacer(options: { keepLength: boolean }): StreamReplacer {
    return new StreamReplacer(this.replacements, options);
  }

  /** For a rewriter that is at work already. */
  get replacements(): Replacements {
    return { set: this.#set, standIns: this.#standIns };
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
  readonly #owner: readonly Replacement[];
  #held: Uint8Array = new Uint8Array(0);

  constructor(set: PatternSet, owner: readonly Replacement[]) {
    this.#set = set;
    this.#owner = owner;
  }

  /** Takes the next bytes: what may go out now, or the replacement whose text was found. */
  push(chunk: Uint8Array): { readonly out: Uint8Array } | { readonly found: Replacement } {
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
