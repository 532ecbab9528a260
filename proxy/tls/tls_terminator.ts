import type { Host } from "../../policy/host.ts";
import { acceptEach } from "../accept_each.ts";
import { closeQuietly } from "../close_quietly.ts";
import { LIMITS } from "../limits.ts";
import { type CertificateAuthority, LEAF_RENEW_MS } from "./certificate_authority.ts";

/** Both ends of a terminated connection: TLS bytes go in and out at `outer`, clear text at `inner`. */
export interface TerminatedTls {
  readonly outer: Deno.TcpConn;
  readonly inner: Deno.TlsConn;
}

/** What a client speaks inside TLS, by its name in ALPN (RFC 7301). */
export type TunnelProtocol = "http/1.1" | "h2";

const LOOPBACK = "127.0.0.1";
/** Between an accepted connection and the return of the `connect()` on its other end. */
const EARLY_MS = 1_000;

/**
 * Plays the server's side of TLS for intercepted hosts.
 *
 * Deno has no way to put TLS on a connection that was already accepted, but listens with TLS well. So each intercepted
 * host has a listener on loopback with its certificate, and a connection is led through it: what the client sends is
 * copied to `outer`, and arrives decrypted at `inner`. Which accepted connection belongs to which `outer` is known by its
 * ports, so that another local process that finds a listener is closed at once.
 */
export class TlsTerminator implements Disposable {
  readonly #authority: CertificateAuthority;
  /** By protocol and host, least recently used first. */
  readonly #listeners = new Map<string, { readonly open: Promise<Deno.TlsListener>; readonly renewAt: number }>();
  /** Who waits for which connection, by its two ports: its own alone may be shared by connections to two listeners. */
  readonly #waiting = new Map<string, { take(conn: Deno.TlsConn): void; giveUp(): void }>();
  /** Accepted before its other end learnt its own port. */
  readonly #early = new Map<string, { readonly conn: Deno.TlsConn; readonly timer: ReturnType<typeof setTimeout> }>();
  #closed = false;

  constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  /** Makes a pair of ends whose TLS speaks for `host`, and takes no client that speaks another protocol inside. */
  async terminate(host: Host, protocol: TunnelProtocol = "http/1.1"): Promise<TerminatedTls> {
    const listener = await this.#listenerFor(host, protocol);
    const outer = await Deno.connect({ hostname: LOOPBACK, port: listener.addr.port });
    outer.setNoDelay(true);
    const ports = portPair(outer.localAddr, listener.addr);
    const early = this.#early.get(ports);
    if (early !== undefined) {
      clearTimeout(early.timer);
      this.#early.delete(ports);
      return { outer, inner: early.conn };
    }
    return await new Promise<TerminatedTls>((resolve, reject) => {
      const giveUp = () => {
        clearTimeout(timer);
        this.#waiting.delete(ports);
        closeQuietly(outer);
        reject(new Error("Cannot terminate TLS: the listener did not accept"));
      };
      const timer = setTimeout(giveUp, LIMITS.handshakeTimeoutMs);
      const take = (inner: Deno.TlsConn) => {
        clearTimeout(timer);
        resolve({ outer, inner });
      };
      this.#waiting.set(ports, { take, giveUp });
    });
  }

  #listenerFor(host: Host, protocol: TunnelProtocol): Promise<Deno.TlsListener> {
    const now = Date.now();
    const key = `${protocol} ${host}`;
    let listener = this.#listeners.get(key);
    this.#listeners.delete(key);
    if (listener !== undefined && listener.renewAt <= now) {
      retire(listener.open);
      listener = undefined;
    }
    listener ??= { open: this.#listen(host, protocol), renewAt: now + LEAF_RENEW_MS };
    this.#listeners.set(key, listener);
    if (this.#listeners.size > LIMITS.interceptedHosts) {
      const [oldest, { open }] = this.#listeners.entries().next().value!;
      this.#listeners.delete(oldest);
      retire(open);
    }
    return listener.open;
  }

  async #listen(host: Host, protocol: TunnelProtocol): Promise<Deno.TlsListener> {
    const { certPem, keyPem } = await this.#authority.issue(host, { now: new Date() });
    const listener = Deno.listenTls({
      hostname: LOOPBACK,
      port: 0,
      cert: certPem,
      key: keyPem,
      // A client that offers only others fails in the handshake (TM-21).
      alpnProtocols: [protocol],
    });
    if (this.#closed) closeQuietly(listener);
    acceptEach(listener, (conn) => this.#match(conn, listener));
    return listener;
  }

  #match(conn: Deno.TlsConn, listener: Deno.TlsListener): void {
    if (conn.remoteAddr.hostname !== LOOPBACK) return closeQuietly(conn);
    const ports = portPair(conn.remoteAddr, listener.addr);
    const waiting = this.#waiting.get(ports);
    this.#waiting.delete(ports);
    if (waiting !== undefined) waiting.take(conn);
    else if (this.#early.size >= LIMITS.unclaimedConnections) closeQuietly(conn);
    else this.#keepEarly(ports, conn);
  }

  /** Keeps a connection for the moment that `connect()` needs to return; a stranger's goes when that has passed. */
  #keepEarly(ports: string, conn: Deno.TlsConn): void {
    const timer = setTimeout(() => {
      this.#early.delete(ports);
      closeQuietly(conn);
    }, EARLY_MS);
    this.#early.set(ports, { conn, timer });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { open } of this.#listeners.values()) retire(open);
    for (const { giveUp } of [...this.#waiting.values()]) giveUp();
    for (const { conn, timer } of this.#early.values()) {
      clearTimeout(timer);
      closeQuietly(conn);
    }
    this.#early.clear();
  }
}

/** Closes a listener; connections that it accepted go on. */
function retire(listener: Promise<Deno.TlsListener>): void {
  listener.then(closeQuietly, () => {});
}

/** What tells a connection on loopback from every other that is open: where it comes from and where it goes. */
function portPair(from: Deno.NetAddr, to: Deno.NetAddr): string {
  return `${from.port}>${to.port}`;
}
