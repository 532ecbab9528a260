import { Denial } from "../../../policy/server/denial.ts";
import type { ServerLimits } from "./server_limits.ts";

type QueueLimits = Pick<ServerLimits, "active" | "waiting" | "waitingOfAddress" | "waitMs">;

interface Waiter {
  readonly take: () => void;
}

/**
 * How many requests are worked on at one time, and a short queue before it (TM-38).
 *
 * Turns go round by address: who waits with one request is not behind all those of a caller with a thousand.
 */
export class WorkQueue {
  readonly #limits: QueueLimits;
  #active = 0;
  #waiting = 0;
  /** In the order in which the addresses get their turns. */
  readonly #byAddress = new Map<string, Set<Waiter>>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a turn.
   *
   * @returns The turn, to be given back.
   * @throws {Denial} `OVERLOADED` if the queue is full or the wait too long; `TOO_MANY_REQUESTS` if it is full of this
   *   address's requests.
   */
  async enter(address: string, signal?: AbortSignal): Promise<Disposable> {
    if (this.#active < this.#limits.active && this.#waiting === 0) {
      this.#active++;
      return this.#turn();
    }
    if (this.#waiting >= this.#limits.waiting) throw overloaded("its queue is full");
    const own = this.#byAddress.get(address) ?? new Set();
    if (own.size >= this.#limits.waitingOfAddress) {
      throw new Denial("TOO_MANY_REQUESTS", { detail: "wait for earlier requests to be answered" });
    }
    await this.#wait(own, address, signal);
    return this.#turn();
  }

  async #wait(own: Set<Waiter>, address: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { take: resolve };
    own.add(waiter);
    this.#byAddress.set(address, own);
    this.#waiting++;
    const leave = (error: Denial) => {
      if (!own.delete(waiter)) return;
      this.#waiting--;
      if (own.size === 0) this.#byAddress.delete(address);
      reject(error);
    };
    const gone = () => leave(overloaded("its client has gone"));
    const timer = setTimeout(() => leave(overloaded("the wait for a turn was too long")), this.#limits.waitMs);
    signal?.addEventListener("abort", gone);
    if (signal?.aborted) gone();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", gone);
    }
  }

  #turn(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (!this.#passOn()) this.#active--;
      },
    };
  }

  /** Gives a turn that has become free to the next address. @returns False if nobody waits. */
  #passOn(): boolean {
    for (const [address, waiters] of this.#byAddress) {
      const [first] = waiters;
      this.#byAddress.delete(address);
      if (first === undefined) continue;
      waiters.delete(first);
      // Behind all others.
      if (waiters.size > 0) this.#byAddress.set(address, waiters);
      this.#waiting--;
      first.take();
      return true;
    }
    return false;
  }
}

function overloaded(detail: string): Denial {
  return new Denial("OVERLOADED", { detail });
}
