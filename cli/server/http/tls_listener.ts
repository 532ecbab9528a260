import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { acceptEach } from "../../../proxy/accept_each.ts";
import { closeQuietly } from "../../../proxy/close_quietly.ts";
import { runtimeIsAtLeast } from "../../../proxy/runtime_version.ts";
import type { Accepted, ClientConn, HttpListener } from "./http_listener.ts";
import { SocketConn } from "./socket_conn.ts";

export interface TlsListenOptions {
  readonly hostname: string;
  readonly port: number;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly handshakeMs: number;
}

/** `node:tls` cannot serve from a worker before; what executables for tests are made with is older. */
const NODE_TLS_SINCE = [2, 9] as const;

const ALPN = ["http/1.1"];

/**
 * Listens with TLS 1.2 or 1.3.
 *
 * With `node:tls`: a connection of `Deno.listenTls` that is closed in its handshake keeps its socket until the client
 * closes it, so that clients which say nothing would take every descriptor (TM-38). An older runtime has that still.
 *
 * @throws {Deno.errors.InvalidData} if certificate or key cannot be used, or do not belong together; else as `Deno.listen`.
 */
export async function listenTls(options: TlsListenOptions): Promise<HttpListener> {
  const checked = listenDeno(options);
  if (!runtimeIsAtLeast(...NODE_TLS_SINCE)) return checked;
  // The other one tells of a wrong certificate with the first client only.
  checked.close();
  return await listenNode(options);
}

function listenDeno({ hostname, port, cert, key }: TlsListenOptions): HttpListener {
  let listener: Deno.TlsListener;
  try {
    listener = Deno.listenTls({ hostname, port, cert, key, alpnProtocols: ALPN });
  } catch (error) {
    // A key of another certificate is an error without a class of its own.
    if (error instanceof Error && error.name === "Error") throw new Deno.errors.InvalidData("", { cause: error });
    throw error;
  }
  return {
    port: listener.addr.port,
    accept: (use) =>
      acceptEach(listener, (conn) =>
        use({
          address: conn.remoteAddr.transport === "tcp" ? conn.remoteAddr.hostname : "",
          async ready() {
            await conn.handshake();
            return conn;
          },
          cut: () => closeQuietly(conn),
        })),
    close: () => closeQuietly(listener),
  };
}

async function listenNode({ hostname, port, cert, key, handshakeMs }: TlsListenOptions): Promise<HttpListener> {
  const server = createServer({ cert, key, ALPNProtocols: ALPN, handshakeTimeout: handshakeMs, minVersion: "TLSv1.2" });
  const listening = Promise.withResolvers<void>();
  server.once("error", (error) => listening.reject(systemError(error)));
  server.listen(port, hostname, () => listening.resolve());
  await listening.promise;
  // Accepting may fail for want of descriptors, and go on.
  server.on("error", () => {});
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    accept(use) {
      const shaking = new Map<string, (socket: TLSSocket) => void>();
      server.on("connection", (raw: Socket) => {
        const { remoteAddress, remotePort } = raw;
        const id = `${remoteAddress} ${remotePort}`;
        const secured = Promise.withResolvers<ClientConn>();
        // Nobody may be waiting any more.
        secured.promise.catch(() => {});
        shaking.set(id, (socket) => secured.resolve(new SocketConn(socket)));
        raw.on("close", () => {
          shaking.delete(id);
          secured.reject(new Deno.errors.ConnectionReset());
        });
        const client: Accepted = {
          address: remoteAddress ?? "",
          ready: () => secured.promise,
          cut: () => void raw.destroy(),
        };
        use(client);
      });
      server.on("secureConnection", (socket: TLSSocket) => {
        const id = `${socket.remoteAddress} ${socket.remotePort}`;
        const take = shaking.get(id);
        shaking.delete(id);
        if (take === undefined) socket.destroy();
        else take(socket);
      });
      server.on("tlsClientError", (_: Error, socket: TLSSocket) => void socket.destroy());
      return closed.promise;
    },
    close() {
      server.close();
      closed.resolve();
    },
  };
}

function systemError(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return new Deno.errors.AddrInUse("", { cause: error });
  if (code === "EADDRNOTAVAIL") return new Deno.errors.AddrNotAvailable("", { cause: error });
  return error;
}
