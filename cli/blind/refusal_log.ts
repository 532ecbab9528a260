import type { RefusalCode, RefusalFacts } from "../../proxy/refusal.ts";
import { refusalText } from "./refusal_text.ts";

/** A program that tries again and again is reported once in this time. */
const QUIET_MS = 10_000;
/** More different refusals than this at once are counted only. */
const MAX_KNOWN = 256;

/** Tells the operator of refusals, each of a kind once in a while. */
export class RefusalLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #lastWritten = new Map<string, number>();

  constructor(write: (line: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  report(code: RefusalCode, facts: RefusalFacts): void {
    const text = refusalText(code, facts);
    const last = this.#lastWritten.get(text);
    if (last !== undefined && this.#now() - last < QUIET_MS) return;
    if (this.#lastWritten.size >= MAX_KNOWN) this.#lastWritten.clear();
    this.#lastWritten.set(text, this.#now());
    this.#write(text);
  }
}
