import {
  CHAIN_START,
  type ChainPosition,
  isHashRight,
  isMacRight,
  MAX_LINE_BYTES,
  type ParsedLine,
  parseLine,
} from "./audit_line.ts";

/** What is wrong with a chain, and what was most likely done to it. */
export const FAULTS = {
  /** The line's bytes are not those that its hash covers, or no line of ours. */
  edited: "it was changed after it was written",
  /** The hash is right for the content, and the next line was made for another. */
  forged: "it does not continue the line before it: one of the two was changed and hashed anew",
  missing: "lines before it are missing",
  swapped: "lines were put into another order",
  repeated: "a line that came before is repeated",
  inserted: "it or the line before it was inserted: both continue the same line",
  restarted: "a new chain begins here, which does not continue the line before it",
  "no-mac": "it has no MAC: it was written without a key",
  "wrong-mac": "its MAC is not one of this key",
  torn: "it has no end",
  empty: "there is no line",
  "head-missing": "the head that was given is not in it: lines were cut off, or it is another log",
} as const;

export type FaultKind = keyof typeof FAULTS;

/** What is known of the line before. */
interface Before extends ChainPosition {
  readonly prev: string;
}

export interface ChainVerifierOptions {
  /** Checks MACs too: every line must have one then. */
  readonly key: Uint8Array | undefined;
  /** `anywhere`: the first line may be one of the middle. */
  readonly from: "beginning" | "anywhere";
}

/** Checks one line after another; it holds the last one's place and nothing else. */
export class ChainVerifier {
  readonly #options: ChainVerifierOptions;
  #before: Before | undefined;
  #first: ParsedLine | undefined;
  #hasMac = false;

  constructor(options: ChainVerifierOptions) {
    this.#options = options;
  }

  /** @returns What is wrong with the line, or with it and the one before. After a fault nothing more can be said. */
  accept(text: string): FaultKind | undefined {
    const line = text.length > MAX_LINE_BYTES ? undefined : parseLine(text);
    if (line === undefined || !isHashRight(line)) return "edited";
    const fault = this.#linkFault(line) ?? this.#macFault(line);
    this.#before = { ...line.position, prev: line.prev };
    this.#first ??= line;
    this.#hasMac ||= line.mac !== undefined;
    return fault;
  }

  #linkFault({ position, prev, isGenesis }: ParsedLine): FaultKind | undefined {
    const isStart = isGenesis && position.seq === 1 && prev === CHAIN_START.hash;
    const before = this.#before;
    if (before === undefined) {
      if (this.#options.from === "anywhere" || isStart) return undefined;
      if (position.seq === 1 || prev === CHAIN_START.hash) return "forged";
      // A file that continues another one begins with a genesis line too.
      return isGenesis ? undefined : "missing";
    }
    if (position.seq === before.seq + 1) return prev === before.hash ? undefined : "forged";
    if (isStart) return "restarted";
    if (position.seq > before.seq) return "missing";
    return position.seq === before.seq && position.hash !== before.hash && prev === before.prev
      ? "inserted"
      : "repeated";
  }

  #macFault(line: ParsedLine): FaultKind | undefined {
    const { key } = this.#options;
    if (key === undefined) return undefined;
    if (line.mac === undefined) return "no-mac";
    return isMacRight(line, key) ? undefined : "wrong-mac";
  }

  /** The last line's place; that before the first if there was none. */
  get position(): ChainPosition {
    return this.#before === undefined ? CHAIN_START : { seq: this.#before.seq, hash: this.#before.hash };
  }

  /** Of the first line. */
  get first(): { readonly seq: number; readonly prev: string } | undefined {
    return this.#first === undefined ? undefined : { seq: this.#first.position.seq, prev: this.#first.prev };
  }

  /** Whether a line had a MAC. */
  get hasMac(): boolean {
    return this.#hasMac;
  }
}
