import { SERVER_PROXY_REF } from "../../policy/server/server_proxy.ts";
import { getProvider } from "../../providers/registry.ts";
import type { KzConfig } from "../config/model.ts";
import { RESOLVE_TIMEOUT_MS, type WantedSecret } from "../resolve/resolve_all.ts";
import { Resolver } from "../resolve/resolver.ts";
import { thisMachine } from "../resolve/this_machine.ts";

/** A host that goes on answering 401 does not make the provider answer as often. */
const UNAUTHORIZED_PAUSE_MS = 10_000;

/** A value that is read again in a long run. */
export interface RenewedValue extends WantedSecret {
  readonly options: Readonly<Record<string, string>>;
  /** How often, in milliseconds. */
  readonly refreshMs: number;
}

/**
 * Reads secrets again, at their times and when a host answered 401, and hands the values to the proxy. It is made before
 * the supervisor gives its access to the network up: its resolver workers keep theirs.
 */
export class SecretRefresher implements Disposable {
  readonly #groups: readonly RefreshGroup[];
  readonly #timers: readonly ReturnType<typeof setInterval>[];
  readonly #lastUnauthorized = new Map<string, number>();

  /** @param hand Hands a port on, on which values come. */
  constructor(renewed: readonly RenewedValue[], config: KzConfig, hand: (valuePort: MessagePort) => void) {
    const byProvider = Map.groupBy(renewed, ({ provider, options }) => JSON.stringify([provider, options]));
    this.#groups = Array.from(byProvider.values(), (secrets) => new RefreshGroup(secrets, config, hand));
    this.#timers = this.#groups.map((group) => setInterval(() => group.read(group.values), group.intervalMs));
  }

  /** Reads these secrets again, each at most once in a while. */
  onUnauthorized(ids: ReadonlySet<string>): void {
    const now = performance.now();
    for (const group of this.#groups) {
      const due = group.values.filter(({ id }) =>
        ids.has(id) && now - (this.#lastUnauthorized.get(id) ?? -Infinity) >= UNAUTHORIZED_PAUSE_MS
      );
      for (const { id } of due) this.#lastUnauthorized.set(id, now);
      // The way to a server's proxy is told with tokens that need it.
      if (due.length > 0) group.read(due.some(({ id }) => id === SERVER_PROXY_REF) ? group.values : due);
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const group of this.#groups) group[Symbol.dispose]();
  }
}

/** The values of one provider with one set of options, with a worker of their own. */
class RefreshGroup implements Disposable {
  readonly values: readonly RenewedValue[];
  readonly #resolver: Resolver;
  readonly #requests: ReadonlyMap<string, { readonly id: string; readonly ref: string }>;
  readonly #hand: (valuePort: MessagePort) => void;
  #reading = Promise.resolve();

  constructor(values: readonly RenewedValue[], config: KzConfig, hand: (valuePort: MessagePort) => void) {
    const machine = thisMachine(config.root);
    const { provider, options } = values[0]!;
    const entry = getProvider(provider);
    const parsed = values.map(({ id, ref }) => ({ id, ref: entry.parseRef(ref, machine) }));
    this.values = values;
    this.#requests = new Map(parsed.map((request) => [request.id, request]));
    this.#hand = hand;
    this.#resolver = new Resolver({
      entry,
      options,
      refs: parsed.map(({ ref }) => ref),
      action: "resolve",
      machine,
    });
  }

  /** The shortest of its values: a batch costs a backend as much as one. */
  get intervalMs(): number {
    return Math.min(...this.values.map(({ refreshMs }) => refreshMs));
  }

  /** Reads some of them, after what is being read. A failure leaves them as they are, for the next time. */
  read(values: readonly RenewedValue[]): void {
    this.#reading = this.#reading.then(async () => {
      const { port1, port2 } = new MessageChannel();
      this.#hand(port1);
      await this.#resolver.ask({
        kind: "resolve",
        provider: this.#resolver.setup,
        secrets: values.map(({ id }) => this.#requests.get(id)!),
        timeoutMs: RESOLVE_TIMEOUT_MS,
        values: port2,
      }, { transfer: [port2], signal: this.#signal.signal });
    }).catch(() => {});
  }

  readonly #signal = new AbortController();

  [Symbol.dispose](): void {
    this.#signal.abort();
    this.#resolver[Symbol.dispose]();
  }
}
