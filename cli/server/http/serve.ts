import { timeLimit } from "../../../proxy/time_limit.ts";
import { addressKey } from "./caller_limiter.ts";
import { HttpConnection, type RequestHandler } from "./http_connection.ts";
import { type Accepted, listenTcp } from "./http_listener.ts";
import type { ServerLimits } from "./server_limits.ts";
import { listenTls } from "./tls_listener.ts";

export interface ServeOptions {
  /** An IP address. */
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM; absent: clear text. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly limits: ServerLimits;
}

export interface HttpServer extends Disposable {
  readonly port: number;
  /**
   * Takes no new connections, closes idle ones, and waits for what has begun to be answered.
   *
   * @param graceMs What takes longer is cut off.
   */
  shutdown(graceMs: number): Promise<void>;
}

/**
 * Serves HTTP/1.1 with the proxy's strict parser.
 *
 * `Deno.serve` has no limit for a head that comes slowly or for an idle connection, and none for their number: a thousand
 * silent clients would stay for ever (TM-38).
 *
 * @param handle Answers a request; the address is the client's. What it throws ends the connection.
 * @throws what `Deno.listen` throws.
 */
export async function serve(handle: RequestHandler, options: ServeOptions): Promise<HttpServer> {
  const { hostname, port, tls, limits } = options;
  const listener = tls === undefined
    ? listenTcp({ hostname, port })
    : await listenTls({ hostname, port, ...tls, handshakeMs: limits.handshakeMs });
  const connections = new Connections(limits);
  const accepting = listener.accept((accepted) => {
    const client = new Client(accepted, { handle, limits, secure: tls !== undefined });
    if (!connections.add(client)) return client.cut();
    client.run().finally(() => connections.remove(client));
  });
  return {
    port: listener.port,
    async shutdown(graceMs) {
      listener.close();
      await Promise.all([accepting, connections.end(graceMs)]);
    },
    [Symbol.dispose]() {
      listener.close();
      connections.cut();
    },
  };
}

/** One client, from when it connected. */
class Client {
  readonly #accepted: Accepted;
  readonly #options: { handle: RequestHandler; limits: ServerLimits; secure: boolean };
  readonly #ended = Promise.withResolvers<void>();
  #connection: HttpConnection | undefined;

  constructor(accepted: Accepted, options: { handle: RequestHandler; limits: ServerLimits; secure: boolean }) {
    this.#accepted = accepted;
    this.#options = options;
  }

  get address(): string {
    return this.#accepted.address;
  }

  /** Whether it has had a request, and waits for another. */
  get idle(): boolean {
    return this.#connection?.idle ?? false;
  }

  /** Resolves when it has gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      using limit = timeLimit(this.#options.limits.handshakeMs, () => new Deno.errors.TimedOut());
      const conn = await limit.within(this.#accepted.ready());
      limit[Symbol.dispose]();
      this.#connection = new HttpConnection(conn, { ...this.#options, address: this.address });
      await this.#connection.run();
    } catch {
      // It was gone, or too slow, before it said anything.
    } finally {
      this.#accepted.cut();
      this.#ended.resolve();
    }
  }

  /** Ends after the request that has begun, or at once if there is none. */
  finish(): void {
    if (this.#connection === undefined) this.cut();
    else this.#connection.finish();
  }

  /** Ends at once. */
  cut(): void {
    this.#connection?.cut();
    this.#accepted.cut();
  }
}

/** Those that are open, and how many of one address. */
class Connections {
  readonly #limits: ServerLimits;
  readonly #open = new Map<Client, Promise<void>>();
  readonly #byAddress = new Map<string, Set<Client>>();

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** @returns False if there is no room for it. */
  add(connection: Client): boolean {
    const key = addressKey(connection.address);
    const own = this.#byAddress.get(key) ?? new Set();
    if (own.size >= this.#limits.connectionsOfAddress && !closeIdle(own)) return false;
    if (this.#open.size >= this.#limits.connections && !closeIdle(this.#open.keys())) return false;
    this.#open.set(connection, connection.ended);
    own.add(connection);
    this.#byAddress.set(key, own);
    return true;
  }

  remove(connection: Client): void {
    this.#open.delete(connection);
    const key = addressKey(connection.address);
    const own = this.#byAddress.get(key);
    own?.delete(connection);
    if (own?.size === 0) this.#byAddress.delete(key);
  }

  async end(graceMs: number): Promise<void> {
    for (const connection of this.#open.keys()) connection.finish();
    const timer = setTimeout(() => this.cut(), graceMs);
    await Promise.all(this.#open.values());
    clearTimeout(timer);
  }

  cut(): void {
    for (const connection of this.#open.keys()) connection.cut();
  }
}

/** Makes room: closes the first that waits between two requests. One that was never heard of is in its first seconds. */
function closeIdle(connections: Iterable<Client>): boolean {
  for (const connection of connections) {
    if (connection.idle) {
      connection.cut();
      return true;
    }
  }
  return false;
}
