import { acceptEach } from "./accept_each.ts";
import { refusalResponse } from "./answer.ts";
import { ByteBudget } from "./byte_budget.ts";
import { closeQuietly } from "./close_quietly.ts";
import { type Closable, drain } from "./drain.ts";
import { type ClientConnection, type Exchange, ResponseCut } from "./exchange/exchange.ts";
import type { Origin } from "./exchange/request_plan.ts";
import { ByteReader, type ByteSource } from "./http/byte_reader.ts";
import { keepsAlive, requestFraming } from "./http/framing.ts";
import { HttpError } from "./http/http_error.ts";
import { encodeLatin1 } from "./http/latin1.ts";
import { parseRequestHead, type RequestHead } from "./http/request_head.ts";
import { parseAuthority, parseTarget } from "./http/target.ts";
import { LIMITS } from "./limits.ts";
import type { ProxyService } from "./proxy_service.ts";
import { Refusal, type RefusalFacts } from "./refusal.ts";
import { spliceTls } from "./splice.ts";
import type { ClientHello } from "./tls/client_hello.ts";
import type { TlsTerminator } from "./tls/tls_terminator.ts";
import { alive, type Upstream } from "./upstream/upstream.ts";
import { completeHandshake, handshakeCode, namesHost, readClientHello, tunnelProtocol } from "./tunnel_handshake.ts";
import { type ByteSink, writeAll } from "./write_all.ts";

/** A tunnel, after its client's hello. */
interface Tunnel<Caller> {
  readonly origin: Origin;
  readonly caller: Caller;
  readonly hello: ClientHello;
}

/** Where the requests inside a tunnel come from: a connection, or a stream of one. */
interface TunnelEnd extends ByteSource, ByteSink, Closable {}

export interface ProxyServerOptions<Caller extends object> {
  readonly service: ProxyService<Caller>;
  readonly terminator: TlsTerminator;
  /** An IP address and a port; absent: loopback, and any port. */
  readonly listen?: { readonly hostname: string; readonly port: number };
}

/** A proxy: HTTP/1.1, `CONNECT` with interception, and the absolute form for `http:`. */
export class ProxyServer<Caller extends object> implements Disposable {
  readonly #service: ProxyService<Caller>;
  readonly #terminator: TlsTerminator;
  readonly #listener: Deno.TcpListener;
  /** Of clients, each one once. */
  readonly #clients = new Set<Deno.Conn>();
  /** The decrypted ends of their tunnels. */
  readonly #inner = new Set<Deno.Conn>();
  readonly #budget = new ByteBudget(LIMITS.heldBodiesBytes);

  constructor({ service, terminator, listen = { hostname: "127.0.0.1", port: 0 } }: ProxyServerOptions<Caller>) {
    this.#service = service;
    this.#terminator = terminator;
    this.#listener = Deno.listen({ hostname: listen.hostname, port: listen.port });
    acceptEach(this.#listener, (conn) => this.#serve(conn));
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    this.#clients.add(conn);
    try {
      conn.setNoDelay(true);
      const client = { sink: conn, reader: new ByteReader(conn), budget: this.#budget };
      if (this.#clients.size > LIMITS.connections) {
        await this.#refuse(new Refusal("PROXY_TOO_MANY_CONNECTIONS"), client, conn);
      } else await this.#serveProxyRequests(client, conn);
    } catch {
      // A client that goes away, at any moment, is no event.
    } finally {
      this.#clients.delete(conn);
      closeQuietly(conn);
    }
  }

  /** Serves what a client asks of the proxy, until it asks for a tunnel or ends. */
  async #serveProxyRequests(client: ClientConnection, conn: Deno.TcpConn): Promise<void> {
    let upstream: Upstream | undefined;
    let origin: Origin | undefined;
    let tunnel: { readonly origin: Origin; readonly caller: Caller };
    // Until it has shown the credentials, a client may be anybody's.
    const unknown = setTimeout(() => closeQuietly(conn), LIMITS.firstRequestMs);
    using _ = {
      [Symbol.dispose]: () => {
        clearTimeout(unknown);
        upstream?.[Symbol.dispose]();
      },
    };
    for (;;) {
      let head: RequestHead | undefined;
      let facts: RefusalFacts = {};
      try {
        head = await this.#readRequest(client.reader, conn);
        if (head === undefined) return;
        facts = { method: head.method };
        const admitted = this.#service.admit(head.fields);
        const caller = admitted instanceof Promise ? await admitted : admitted;
        if (caller === undefined) throw new Refusal("PROXY_CREDENTIALS_REQUIRED");
        clearTimeout(unknown);
        if (head.method === "CONNECT") {
          const authority = parseAuthority(head.target, undefined);
          facts = { ...facts, ...authority };
          if (requestFraming(head.fields, head.minorVersion).kind !== "none") {
            throw new HttpError("HTTP_FRAMING_INVALID", 400);
          }
          const opening = this.#service.admitTunnel(authority, caller);
          if (opening !== undefined) await opening;
          tunnel = { origin: { ...authority, secure: true }, caller };
          break;
        }
        const target = parseTarget(head.target);
        if (target.authority === undefined || target.scheme !== "http") throw new HttpError("HTTP_TARGET_INVALID", 400);
        facts = { ...facts, ...target.authority };
        const next: Origin = { ...target.authority, secure: false };
        const reusable = origin !== undefined && origin.host === next.host && origin.port === next.port
          ? upstream
          : undefined;
        if (reusable === undefined) upstream?.[Symbol.dispose]();
        upstream = undefined;
        origin = next;
        const end = await this.#service.carry({ head, target, origin, reusable: alive(reusable) }, client, caller);
        upstream = end.upstream;
        if (end.refusal !== undefined) this.#report(end.refusal.with(facts));
        if (!end.keepClient) return;
      } catch (error) {
        const keep = await this.#answer(error, { client, conn, head, facts });
        if (!keep) return;
      }
    }
    // Outside of `try`: what fails inside a tunnel is never answered in clear text.
    await this.#tunnel(tunnel, client, conn);
  }

  async #tunnel(
    { origin, caller }: { readonly origin: Origin; readonly caller: Caller },
    client: ClientConnection,
    conn: Deno.TcpConn,
  ): Promise<void> {
    await writeAll(conn, encodeLatin1("HTTP/1.1 200 Connection Established\r\n\r\n"));
    const hello = await readClientHello(client.reader, conn);
    if (hello === undefined) {
      // A tunnel that was opened ahead and never used is no event.
      if (client.reader.availableLength === 0) return;
      this.#report(new Refusal("PROXY_TUNNEL_NOT_TLS", { host: origin.host, port: origin.port }));
      return;
    }
    const protocol = tunnelProtocol(hello);
    const { outer, inner } = await this.#terminator.terminate(origin.host, protocol);
    this.#inner.add(inner);
    let cut: ReturnType<typeof setTimeout> | undefined;
    try {
      await writeAll(outer, client.reader.available);
      const { delivered, ended } = spliceTls(conn, outer);
      if (await completeHandshake(inner)) {
        const tunnel = { origin, caller, hello };
        await (protocol === "h2" ? this.#serveStreams(inner, tunnel) : this.#serveTunnel(inner, tunnel));
      } else {
        this.#report(new Refusal(handshakeCode(hello), { host: origin.host, port: origin.port }));
        // An alert may be on its way; but TLS that was closed in its handshake keeps its socket open.
        cut = setTimeout(() => closeQuietly(outer), LIMITS.drainMs);
      }
      // Flushes what was written, and says that nothing more comes. The client may take its time to read that; `inner`
      // stays open until it has, since closing it with unread bytes would reset the way (RFC 9112 §9.6).
      await inner.closeWrite().catch(() => {});
      await delivered;
      closeQuietly(inner);
      const timer = setTimeout(() => closeQuietly(conn), LIMITS.drainMs);
      await ended.finally(() => clearTimeout(timer));
    } finally {
      clearTimeout(cut);
      this.#inner.delete(inner);
      closeQuietly(inner);
      closeQuietly(outer);
    }
  }

  /** Serves HTTP/2 inside a tunnel: each stream like a tunnel of its own, with one request. */
  async #serveStreams(conn: Deno.TlsConn, tunnel: Tunnel<Caller>): Promise<void> {
    const { serveStreams } = await import("./http2/serve_streams.ts");
    const { host, port } = tunnel.origin;
    await serveStreams(conn, {
      serve: (stream, way) => this.#serveTunnel(stream, tunnel, way),
      onInvalid: (error) => this.#report(Refusal.from(error, { host, port }) ?? new Refusal("HTTP_FIELD_INVALID")),
    });
  }

  /** Serves the requests inside a tunnel; its origin was named by `CONNECT` and stays. */
  async #serveTunnel(
    conn: TunnelEnd,
    { origin, caller, hello }: Tunnel<Caller>,
    way: Pick<Exchange, "connect" | "takesTrailers"> = {},
  ): Promise<void> {
    const client = { sink: conn, reader: new ByteReader(conn), budget: this.#budget };
    const named = namesHost(hello, origin, this.#service.alsoNamed);
    let upstream: Upstream | undefined;
    using _ = { [Symbol.dispose]: () => upstream?.[Symbol.dispose]() };
    for (;;) {
      let head: RequestHead | undefined;
      let facts: RefusalFacts = { host: origin.host, port: origin.port };
      try {
        head = await this.#readRequest(client.reader, conn);
        if (head === undefined) return;
        facts = { ...facts, method: head.method };
        if (!named) throw new HttpError("HTTP_HOST_MISMATCH", 421);
        const target = parseTarget(head.target);
        const reusable = alive(upstream);
        upstream = undefined;
        const end = await this.#service.carry({ head, target, origin, reusable, ...way }, client, caller);
        upstream = end.upstream;
        if (end.refusal !== undefined) this.#report(end.refusal.with(facts));
        if (!end.keepClient) return;
      } catch (error) {
        const keep = await this.#answer(error, { client, conn, head, facts });
        if (!keep) return;
      }
    }
  }

  /** Waits without limit for a request to begin, and with one for its head to be whole. */
  async #readRequest(reader: ByteReader, conn: Closable): Promise<RequestHead | undefined> {
    if (reader.availableLength === 0 && !await reader.fill()) return undefined;
    // Most heads are whole at once, and need no timer.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = () => timer ??= setTimeout(() => closeQuietly(conn), LIMITS.headTimeoutMs);
    try {
      const bytes = await reader.readHead(LIMITS.headBytes, limit);
      return bytes === undefined ? undefined : parseRequestHead(bytes);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers what was thrown. @returns Whether the connection can go on. */
  async #answer(
    error: unknown,
    { client, conn, head, facts }: {
      client: ClientConnection;
      conn: Closable;
      head: RequestHead | undefined;
      facts: RefusalFacts;
    },
  ): Promise<boolean> {
    const cut = error instanceof ResponseCut;
    const refusal = Refusal.from(cut ? error.cause : error, facts);
    if (refusal === undefined) throw error;
    this.#report(refusal);
    // A begun response is cut, so that the client does not take it for a whole one.
    if (cut) throw error;
    // After a refusal the request's body, if it has one, is in the way; without one the connection is as good as new.
    const keepAlive = head?.minorVersion === 1 && keepsAlive(head.fields, head.minorVersion) &&
      !refusal.code.startsWith("HTTP_") && hasNoBody(head);
    await this.#refuse(refusal, client, conn, { head: head?.method === "HEAD", keepAlive });
    return keepAlive;
  }

  async #refuse(
    refusal: Refusal,
    client: ClientConnection,
    conn: Closable,
    options = { head: false, keepAlive: false },
  ): Promise<void> {
    await writeAll(client.sink, refusalResponse(refusal, options));
    if (!options.keepAlive) await drain(client.reader, conn);
  }

  #report(refusal: Refusal): void {
    this.#service.onRefusal(refusal);
  }

  /** Takes no new connection; those that are open go on. */
  stopAccepting(): void {
    closeQuietly(this.#listener);
  }

  [Symbol.dispose](): void {
    this.stopAccepting();
    for (const conn of [...this.#clients, ...this.#inner]) closeQuietly(conn);
  }
}

/** Whether a request ends with its head; false where its framing is not valid, which may not have been looked at yet. */
function hasNoBody(head: RequestHead): boolean {
  try {
    return requestFraming(head.fields, head.minorVersion).kind === "none";
  } catch {
    return false;
  }
}
