import type { SecretName } from "../../policy/secret_name.ts";
import { getProvider } from "../../providers/registry.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import { RESOLVE_TIMEOUT_MS } from "../resolve/resolve_all.ts";
import { Resolver } from "../resolve/resolver.ts";
import { thisMachine } from "../resolve/this_machine.ts";

/** A host that goes on answering 401 does not make the provider answer as often. */
const UNAUTHORIZED_PAUSE_MS = 10_000;

/** A secret that is read again in a long run. */
type RenewedSecret = ProvidedSecret & { readonly refreshMs: number };

/**
 * Reads secrets again, at their times and when a host answered 401, and hands the values to the proxy. It is made before
 * the supervisor gives its access to the network up: its resolver workers keep theirs.
 */
export class SecretRefresher implements Disposable {
  readonly #groups: readonly RefreshGroup[];
  readonly #timers: readonly ReturnType<typeof setInterval>[];
  readonly #lastUnauthorized = new Map<SecretName, number>();

  /** @param hand Hands a port on, on which values come. */
  constructor(provided: readonly ProvidedSecret[], config: KzConfig, hand: (valuePort: MessagePort) => void) {
    const renewed = provided.filter((secret): secret is RenewedSecret => secret.refreshMs !== undefined);
    const byProvider = Map.groupBy(renewed, ({ provider, options }) => JSON.stringify([provider, options]));
    this.#groups = Array.from(byProvider.values(), (secrets) => new RefreshGroup(secrets, config, hand));
    this.#timers = this.#groups.map((group) => setInterval(() => group.read(group.secrets), group.intervalMs));
  }

  /** Reads these secrets again, each at most once in a while. */
  onUnauthorized(names: ReadonlySet<SecretName>): void {
    const now = performance.now();
    for (const group of this.#groups) {
      const due = group.secrets.filter(({ name }) =>
        names.has(name) && now - (this.#lastUnauthorized.get(name) ?? -Infinity) >= UNAUTHORIZED_PAUSE_MS
      );
      for (const { name } of due) this.#lastUnauthorized.set(name, now);
      if (due.length > 0) group.read(due);
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const group of this.#groups) group[Symbol.dispose]();
  }
}

/** The secrets of one provider with one set of options, with a worker of their own. */
class RefreshGroup implements Disposable {
  readonly secrets: readonly RenewedSecret[];
  readonly #resolver: Resolver;
  readonly #requests: ReadonlyMap<SecretName, { readonly id: string; readonly ref: string }>;
  readonly #hand: (valuePort: MessagePort) => void;
  #reading = Promise.resolve();

  constructor(secrets: readonly RenewedSecret[], config: KzConfig, hand: (valuePort: MessagePort) => void) {
    const machine = thisMachine(config.root);
    const provider = secrets[0]!.provider;
    const entry = getProvider(provider);
    const parsed = secrets.map(({ name, ref }) => ({ id: name, ref: entry.parseRef(ref, machine) }));
    this.secrets = secrets;
    this.#requests = new Map(parsed.map((request) => [request.id, request]));
    this.#hand = hand;
    this.#resolver = new Resolver({
      entry,
      options: secrets[0]!.options,
      refs: parsed.map(({ ref }) => ref),
      action: "resolve",
      machine,
    });
  }

  /** The shortest of its secrets: a batch costs a backend as much as one. */
  get intervalMs(): number {
    return Math.min(...this.secrets.map(({ refreshMs }) => refreshMs));
  }

  /** Reads some of the secrets, after what is being read. A failure leaves the values as they are, for the next time. */
  read(secrets: readonly RenewedSecret[]): void {
    this.#reading = this.#reading.then(async () => {
      const { port1, port2 } = new MessageChannel();
      this.#hand(port1);
      await this.#resolver.ask({
        kind: "resolve",
        provider: this.#resolver.setup,
        secrets: secrets.map(({ name }) => this.#requests.get(name)!),
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
