/**
 * A limit of time that is set anew all the time: one for the head, one for the answer, one for the pause after it.
 *
 * It has one timer, which looks when it rings whether the limit of then has passed. A timer for each limit would be most
 * of what a limit costs.
 */
export class Deadline implements Disposable {
  readonly #onPassed: () => void;
  /** By `performance.now()`; infinite: there is no limit now. */
  #at = Infinity;
  #ringsAt = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onPassed Called at most a moment late, and never early. */
  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Sets the limit, in place of the one before, until the end of the scope. */
  within(ms: number): Disposable {
    this.#at = performance.now() + ms;
    if (this.#at < this.#ringsAt) this.#wind(ms);
    return { [Symbol.dispose]: () => this.#at = Infinity };
  }

  #wind(ms: number): void {
    clearTimeout(this.#timer);
    this.#ringsAt = this.#at;
    this.#timer = setTimeout(() => this.#ring(), ms);
  }

  #ring(): void {
    this.#ringsAt = Infinity;
    const left = this.#at - performance.now();
    if (left <= 0) this.#onPassed();
    else if (left < Infinity) this.#wind(left);
  }

  /** There is no limit any more, and no timer. */
  [Symbol.dispose](): void {
    this.#at = Infinity;
    clearTimeout(this.#timer);
  }
}
