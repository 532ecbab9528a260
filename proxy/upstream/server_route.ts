import type { Authority } from "../http/target.ts";
import { type Host, parseHost } from "../../policy/host.ts";
import { parseServerProxy, SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { closeQuietly } from "../close_quietly.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { parseResponseHead } from "../http/response_head.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";
import { writeAll } from "../write_all.ts";
import { certificateFault, type Upstream } from "./upstream.ts";

/** A user and a password that need no encoding in a URL. */
const CREDENTIAL_REGEXP = /^[A-Za-z0-9._~-]+$/;

interface Way {
  readonly host: Host;
  readonly port: number;
  readonly authorization: string;
  readonly ca: string;
}

/**
 * The way of requests that carry a team server's tokens: through the server's proxy, which swaps them. The server sees what
 * goes there, and nobody else: inside the tunnel a name is verified that its own authority alone certifies, so that who stands
 * between us and the proxy cannot lead a token elsewhere.
 */
export class ServerRoute {
  /** Told that the proxy does not take our pass, which may have expired. */
  readonly #onPassRefused: () => void;
  #way: Way;

  /**
   * @param text As `formatServerProxy()` makes it.
   * @throws {TypeError | SyntaxError} for anything else; the message holds nothing of it.
   */
  constructor(text: string, onPassRefused: () => void) {
    this.#way = readWay(text);
    this.#onPassRefused = onPassRefused;
  }

  /** The proxy's own address, for a look at our permissions. */
  get address(): string {
    return `${this.#way.host}:${this.#way.port}`;
  }

  /** Takes the way as it was read anew: another pass, mostly. */
  renew(text: string): void {
    this.#way = readWay(text);
  }

  /**
   * Opens a tunnel to a host, with TLS inside that ends at the proxy.
   *
   * @throws {Refusal} `PROXY_SERVER_UNREACHABLE`, `PROXY_SERVER_REFUSED` or `PROXY_SERVER_CERTIFICATE`.
   */
  async open(origin: Authority): Promise<Upstream> {
    const late = new AbortController();
    using limit = timeLimit(LIMITS.connectTimeoutMs + LIMITS.handshakeTimeoutMs, () => {
      late.abort();
      return unreachable("no answer in time");
    });
    const { host, port, ca } = this.#way;
    const tcp = await limit.within(connect({ hostname: unbracketed(host), port, signal: late.signal }));
    // `startTls()` takes the connection over: from then on only what it returns can be closed.
    let open: Deno.Conn = tcp;
    try {
      await limit.within(this.#openTunnel(tcp, origin));
      const conn = open = await Deno.startTls(tcp, {
        // In place of the host's. That is in the line of CONNECT, and in `Host` inside, which must agree with it.
        hostname: SERVER_PROXY_NAME,
        caCerts: [ca],
        alpnProtocols: ["http/1.1"],
      });
      await limit.within(conn.handshake());
      return {
        conn,
        reader: new ByteReader(conn),
        trusted: true,
        route: this,
        used: false,
        [Symbol.dispose]: () => closeQuietly(conn),
      };
    } catch (error) {
      closeQuietly(open);
      throw error instanceof Refusal ? error : tlsRefusal(error);
    }
  }

  async #openTunnel(conn: Deno.Conn, { host, port }: Authority): Promise<void> {
    const authority = `${host}:${port}`;
    try {
      await writeAll(
        conn,
        encodeLatin1(
          `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: ${this.#way.authorization}\r\n\r\n`,
        ),
      );
      const reader = new ByteReader(conn);
      const head = await reader.readHead(LIMITS.headBytes, () => {});
      if (head === undefined) throw unreachable("it closes the connection");
      const { status } = parseResponseHead(head);
      if (status === 200) {
        // The proxy waits for our ClientHello; what it says before is not TLS.
        if (reader.availableLength > 0) {
          throw unreachable("it speaks too early");
        }
        return;
      }
      if (status === 407) this.#onPassRefused();
      throw new Refusal("PROXY_SERVER_REFUSED", { detail: `it answers ${status}` });
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw unreachable("its answer is not one of a proxy");
    }
  }
}

function readWay(text: string): Way {
  const proxy = parseServerProxy(text);
  const url = proxy === undefined ? null : URL.parse(proxy.url);
  const plain = url !== null && url.protocol === "http:" && url.pathname === "/" && url.search === "" &&
    url.hash === "";
  if (!plain || !CREDENTIAL_REGEXP.test(url.username) || !CREDENTIAL_REGEXP.test(url.password) || proxy === undefined) {
    throw new TypeError("Cannot use the server's proxy: its URL is not http://user:password@host:port");
  }
  return {
    host: parseHost(url.hostname),
    port: Number(url.port || 80),
    authorization: `Basic ${btoa(`${url.username}:${url.password}`)}`,
    ca: proxy.ca,
  };
}

async function connect(options: Deno.ConnectOptions): Promise<Deno.TcpConn> {
  try {
    const conn = await Deno.connect(options);
    conn.setNoDelay(true);
    return conn;
  } catch {
    throw unreachable("it does not accept a connection");
  }
}

function tlsRefusal(error: unknown): Refusal {
  const fault = certificateFault(error);
  return fault === undefined
    ? unreachable("the TLS handshake failed")
    : new Refusal("PROXY_SERVER_CERTIFICATE", { detail: fault });
}

function unreachable(detail: string): Refusal {
  return new Refusal("PROXY_SERVER_UNREACHABLE", { detail });
}

function unbracketed(host: Host): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
