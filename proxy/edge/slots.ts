import { Denial } from "../../policy/server/denial.ts";

/** Work that runs at the same time, and work that waits for its turn: both bounded, first come first served (TM-38). */
export class Slots {
  readonly #limits: { readonly running: number; readonly waiting: number };
  readonly #queue: (() => void)[] = [];
  #running = 0;
  #isClosed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(limits: { readonly running: number; readonly waiting: number }) {
    this.#limits = limits;
  }

  /**
   * Waits for a turn, which lasts until the end of its scope.
   *
   * @throws {Denial} `OVERLOADED` at once, if too many wait already or no more are taken.
   */
  async enter(): Promise<Disposable> {
    if (this.#isClosed) throw new Denial("OVERLOADED", { detail: "the server is ending" });
    if (this.#running < this.#limits.running) this.#running++;
    else {
      if (this.#queue.length >= this.#limits.waiting) throw new Denial("OVERLOADED");
      const turn = Promise.withResolvers<void>();
      this.#queue.push(turn.resolve);
      // The turn that ends is handed over: `#running` stays.
      await turn.promise;
    }
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (!isOver) this.#leave();
        isOver = true;
      },
    };
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next !== undefined) next();
    else if (--this.#running === 0) this.#idle?.resolve();
  }

  /** Takes no more, and waits until all that was taken has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}
