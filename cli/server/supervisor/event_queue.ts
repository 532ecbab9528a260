/** What happened to a server, in order, for the one loop that handles it. */
export class EventQueue<T> {
  readonly #waiting: T[] = [];
  #wake: () => void = () => {};

  push(event: T): void {
    this.#waiting.push(event);
    this.#wake();
  }

  /** Waits for the next one. */
  async next(): Promise<T> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) return event;
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }
}
