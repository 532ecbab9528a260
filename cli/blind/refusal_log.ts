import { LIMITS } from "../../proxy/limits.ts";
import type { RefusalCode, RefusalFacts } from "../../proxy/refusal.ts";
import { refusalText } from "./refusal_text.ts";

/** Tells the operator of refusals, each of a kind once in a while. */
export class RefusalLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #text: typeof refusalText;
  /** In the order of writing. */
  readonly #lastWritten = new Map<string, number>();
  #untold = 0;

  constructor(
    write: (line: string) => void,
    now: () => number = () => performance.now(),
    text: typeof refusalText = refusalText,
  ) {
    this.#write = write;
    this.#now = now;
    this.#text = text;
  }

  report(code: RefusalCode, facts: RefusalFacts): void {
    const text = this.#text(code, facts);
    const now = this.#now();
    for (const [known, at] of this.#lastWritten) {
      if (now - at < LIMITS.refusalQuietMs) break;
      this.#lastWritten.delete(known);
    }
    if (this.#lastWritten.has(text)) return;
    if (this.#lastWritten.size >= LIMITS.refusalsTold) {
      this.#untold++;
      return;
    }
    if (this.#untold > 0) this.#write(`kz: refused ${this.#untold} more requests, of too many kinds to tell them all`);
    this.#untold = 0;
    this.#lastWritten.set(text, now);
    this.#write(text);
  }
}
