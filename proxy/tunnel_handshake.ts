import type { Host } from "../policy/host.ts";
import { closeQuietly } from "./close_quietly.ts";
import type { ByteReader } from "./http/byte_reader.ts";
import { type Authority, parseAuthority } from "./http/target.ts";
import { LIMITS } from "./limits.ts";
import type { RefusalCode } from "./refusal.ts";
import { runtimeIsAtLeast } from "./runtime_version.ts";
import { type ClientHello, parseClientHello } from "./tls/client_hello.ts";
import type { TunnelProtocol } from "./tls/tls_terminator.ts";

/** @returns Undefined if the client does not speak TLS. Its bytes stay in the reader. */
export async function readClientHello(reader: ByteReader, conn: Deno.Conn): Promise<ClientHello | undefined> {
  const timer = setTimeout(() => closeQuietly(conn), LIMITS.handshakeTimeoutMs);
  try {
    for (;;) {
      const hello = parseClientHello(reader.available);
      if (hello === "invalid") return undefined;
      if (hello !== "more") return hello;
      if (!await reader.fill()) return undefined;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** @returns False if the client ends TLS, mostly since it does not trust the run's CA. */
export async function completeHandshake(conn: Deno.TlsConn): Promise<boolean> {
  const timer = setTimeout(() => closeQuietly(conn), LIMITS.handshakeTimeoutMs);
  try {
    await conn.handshake();
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Since then the runtime's HTTP/2 takes any connection. */
const HTTP2_SINCE = [2, 9] as const;

/**
 * What is spoken with a client inside TLS: HTTP/2 with one that offers it and not HTTP/1.1, as gRPC does. All others are
 * served as they were before HTTP/2, by a parser of our own.
 */
export function tunnelProtocol({ protocols }: ClientHello): TunnelProtocol {
  const isHttp2 = protocols !== undefined && !protocols.includes("http/1.1") && protocols.includes("h2");
  return isHttp2 && runtimeIsAtLeast(...HTTP2_SINCE) ? "h2" : "http/1.1";
}

/** Why a client did not get through the handshake (TM-21). */
export function handshakeCode(hello: ClientHello): RefusalCode {
  const { protocols } = hello;
  return protocols === undefined || protocols.includes(tunnelProtocol(hello))
    ? "PROXY_CLIENT_HANDSHAKE"
    : "PROXY_PROTOCOL_UNSUPPORTED";
}

/**
 * Whether the name in the client's hello is the one of the tunnel, or the other one that is given; an address is never sent
 * (RFC 6066 §3).
 *
 * The other name is the proxy's and not the host's: who asks for it has not said in TLS which host it means. That is no way
 * to another one: the target of CONNECT alone decides, and `Host` inside, which nobody on the way can change, must agree
 * with it. Whoever changes the line of CONNECT, which goes in clear text, gets nothing but a 421 (TM-08).
 */
export function namesHost(hello: ClientHello, origin: Authority, alsoNamed?: Host): boolean {
  if (hello.serverName === undefined) return true;
  try {
    const { host } = parseAuthority(hello.serverName, origin.port);
    return host === origin.host || host === alsoNamed;
  } catch {
    return false;
  }
}
