import { acceptEach } from "../../../proxy/accept_each.ts";
import { closeQuietly } from "../../../proxy/close_quietly.ts";
import { addressKey } from "./caller_limiter.ts";
import { HttpConnection, type RequestHandler } from "./http_connection.ts";
import type { ServerLimits } from "./server_limits.ts";

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
export function serve(handle: RequestHandler, options: ServeOptions): HttpServer {
  const { hostname, port, tls, limits } = options;
  const listener = tls === undefined
    ? Deno.listen({ hostname, port })
    : Deno.listenTls({ hostname, port, cert: tls.cert, key: tls.key, alpnProtocols: ["http/1.1"] });
  const connections = new Connections(limits);
  const accepting = acceptEach<Deno.TcpConn | Deno.TlsConn>(listener, (conn) => {
    const { hostname: address } = conn.remoteAddr;
    const connection = new HttpConnection(conn, { handle, limits, address, secure: tls !== undefined });
    if (!connections.add(connection)) return closeQuietly(conn);
    connection.run().finally(() => connections.remove(connection));
  });
  return {
    port: listener.addr.port,
    async shutdown(graceMs) {
      closeQuietly(listener);
      await Promise.all([accepting, connections.end(graceMs)]);
    },
    [Symbol.dispose]() {
      closeQuietly(listener);
      connections.cut();
    },
  };
}

/** Those that are open, and how many of one address. */
class Connections {
  readonly #limits: ServerLimits;
  readonly #open = new Map<HttpConnection, Promise<void>>();
  readonly #byAddress = new Map<string, Set<HttpConnection>>();

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** @returns False if there is no room for it. */
  add(connection: HttpConnection): boolean {
    const key = addressKey(connection.address);
    const own = this.#byAddress.get(key) ?? new Set();
    if (own.size >= this.#limits.connectionsOfAddress && !closeIdle(own)) return false;
    if (this.#open.size >= this.#limits.connections && !closeIdle(this.#open.keys())) return false;
    this.#open.set(connection, connection.ended);
    own.add(connection);
    this.#byAddress.set(key, own);
    return true;
  }

  remove(connection: HttpConnection): void {
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
function closeIdle(connections: Iterable<HttpConnection>): boolean {
  for (const connection of connections) {
    if (connection.idle) {
      connection.cut();
      return true;
    }
  }
  return false;
}
