import { Refusal } from "./refusal.ts";

/**
 * Memory that all connections share for what they hold whole (TM-24).
 *
 * Each body that is held has a cap of its own; thousands of connections at once would still add up. Who finds the budget
 * spent is answered 503 at once: waiting would let slow senders hold up everybody else.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes are held now, over all leases. */
  get taken(): number {
    return this.#taken;
  }

  /** A share of the budget, empty at first; it is given back with its scope. */
  lease(): ByteLease {
    let held = 0;
    let isOver = false;
    return {
      grow: (bytes) => {
        // Work that nobody waits for any more may go on for a moment: what it took then would never be given back.
        if (isOver || this.#taken + bytes > this.#maxBytes) throw new Refusal("PROXY_OVERLOADED");
        this.#taken += bytes;
        held += bytes;
      },
      [Symbol.dispose]: () => {
        this.#taken -= held;
        held = 0;
        isOver = true;
      },
    };
  }
}

/** What one exchange holds of a {@linkcode ByteBudget}. */
export interface ByteLease extends Disposable {
  /** @throws {Refusal} `PROXY_OVERLOADED` if not so much is left, or the lease has ended; what was held before stays held. */
  grow(bytes: number): void;
}
