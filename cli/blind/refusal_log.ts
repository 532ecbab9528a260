import { LIMITS } from "../../proxy/limits.ts";
import type { RefusalCode, RefusalFacts } from "../../proxy/refusal.ts";
import { refusalText } from "./refusal_text.ts";

/** Tells the operator of refusals, and of what else the program has a hand in, each of a kind once in a while. */
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
    this.tell(this.#text(code, facts));
  }

  /** @param text A line, or a line and its hint. */
  tell(text: string): void {
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
    if (this.#untold > 0) this.#write(`kz: left out ${this.#untold} more lines, of too many kinds to tell them all`);
    this.#untold = 0;
    this.#lastWritten.set(text, now);
    this.#write(text);
  }
}
