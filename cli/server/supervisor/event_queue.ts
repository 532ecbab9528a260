/**
 * What happened to a server, in order, for the one loop that handles it. What waits already is not there twice: a storm of
 * signals is one of each.
 */
export class EventQueue<T> {
  readonly #waiting = new Set<T>();
  #wake: () => void = () => {};

  push(event: T): void {
    this.#waiting.add(event);
    this.#wake();
  }

  /** Waits for the next one. */
  async next(): Promise<T> {
    for (;;) {
      for (const event of this.#waiting) {
        this.#waiting.delete(event);
        return event;
      }
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }
}
