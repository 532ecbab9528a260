import { Denial } from "../../../policy/server/denial.ts";
import type { Broker, ResolveResult } from "../broker.ts";
import { addressKey, type CallerLimiter } from "./caller_limiter.ts";
import type { Metrics } from "./metrics.ts";
import { HeldBytes } from "./read_body.ts";
import type { ServerLimits } from "./server_limits.ts";
import { WorkQueue } from "./work_queue.ts";

/** By which door a request came. */
export type Door = "http" | "mcp-http" | "mcp-stdio";

const DECISIONS = ["keyzero_decisions_total", "Decisions by door, operation, outcome and code"] as const;

/**
 * What a request has to pass before the broker works on it (TM-38): how many are open, for whom, and whose turn it is.
 */
export class Admission {
  readonly limiter: CallerLimiter;
  readonly heldBytes: HeldBytes;
  readonly #limits: ServerLimits;
  readonly #metrics: Metrics;
  readonly #queue: WorkQueue;
  readonly #openByAddress = new Map<string, number>();
  #open = 0;

  /** @param limiter The one that the broker calls with each verified caller. */
  constructor(limits: ServerLimits, { limiter, metrics }: { limiter: CallerLimiter; metrics: Metrics }) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.limiter = limiter;
    this.heldBytes = new HeldBytes(limits);
    this.#queue = new WorkQueue(limits);
    metrics.gauge("keyzero_requests_open", "Requests that are read, waiting or worked on", () => this.#open);
    metrics.gauge("keyzero_requests_active", "Requests that are worked on", () => this.#queue.active);
    metrics.gauge("keyzero_requests_waiting", "Requests that wait for their turn", () => this.#queue.waiting);
    metrics.gauge("keyzero_bodies_held_bytes", "Bytes of request bodies in memory", () => this.heldBytes.held);
    metrics.gauge("keyzero_callers_remembered", "Callers and addresses that limits know", () => limiter.remembered);
  }

  /**
   * Before anything of a request's body is read.
   *
   * @returns To be given back when it was answered.
   * @throws {Denial} `OVERLOADED`, `TOO_MANY_REQUESTS`
   */
  open(address: string): Disposable {
    const key = addressKey(address);
    const own = this.#openByAddress.get(key) ?? 0;
    if (own >= this.#limits.openRequestsOfAddress) {
      throw new Denial("TOO_MANY_REQUESTS", { detail: "wait for earlier requests to be answered" });
    }
    if (this.#open >= this.#limits.openRequests) throw new Denial("OVERLOADED");
    this.limiter.admitAddress(address);
    this.#open++;
    this.#openByAddress.set(key, own + 1);
    return {
      [Symbol.dispose]: () => {
        this.#open--;
        const left = this.#openByAddress.get(key)! - 1;
        if (left === 0) this.#openByAddress.delete(key);
        else this.#openByAddress.set(key, left);
      },
    };
  }

  /** Waits for a turn, works, and gives the turn back when the work has ended, even if nobody waits for it any more. */
  async #inTurn<T>(address: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = await this.#queue.enter(addressKey(address), signal);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Denial("UPSTREAM_TIMEOUT", { detail: "the request took longer than this server allows" })),
      this.#limits.workMs,
    );
    const working = work().finally(() => turn[Symbol.dispose]());
    try {
      return await Promise.race([working, late.promise]);
    } finally {
      clearTimeout(timer);
      working.catch(() => {});
    }
  }

  /** The broker as one request over the network sees it: behind the queue, and counted. */
  brokerFor(broker: Broker, { door, address, signal }: { door: Door; address: string; signal: AbortSignal }): Broker {
    const counted = countedBroker(broker, this.#metrics, door);
    return {
      resolve: (request) => this.#inTurn(address, signal, () => counted.resolve(request)),
      fetch: (request) => this.#inTurn(address, signal, () => counted.fetch(request)),
      revoke: (request) => this.#inTurn(address, signal, () => counted.revoke(request)),
      proxyCa: broker.proxyCa,
    };
  }
}

/** Counts decisions. Labels are of closed sets. */
export function countedBroker(broker: Broker, metrics: Metrics, door: Door): Broker {
  const count = (operation: string, outcome: "allowed" | "denied", code: string) =>
    metrics.count(...DECISIONS, { door, operation, outcome, code });
  const counting = async <T>(operation: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      count(operation, "denied", error instanceof Denial ? error.code : "INTERNAL");
      throw error;
    }
  };
  const countResult = (result: ResolveResult) =>
    result.allowed ? count("resolve", "allowed", "none") : count("resolve", "denied", result.denial.code);
  return {
    async resolve(request) {
      const results = await counting("resolve", broker.resolve(request));
      for (const result of results.values()) countResult(result);
      return results;
    },
    async fetch(request) {
      const result = await counting("fetch", broker.fetch(request));
      count("fetch", "allowed", "none");
      return result;
    },
    async revoke(request) {
      await counting("revoke", broker.revoke(request));
      count("revoke", "allowed", "none");
    },
    get proxyCa() {
      return broker.proxyCa;
    },
  };
}
