import type { Host } from "../../policy/host.ts";
import { closeQuietly } from "../close_quietly.ts";
import type { Closable } from "../drain.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import type { ByteSink } from "../write_all.ts";
import { dial, type DialSettings, type DialTarget } from "./dial.ts";
import type { ServerRoute } from "./server_route.ts";

/** What is written to, and closed, of a connection to a host. */
export interface UpstreamConn extends ByteSink, Closable {}

/** A connection to a host, for one exchange after another. */
export interface Upstream extends Disposable {
  readonly conn: UpstreamConn;
  readonly reader: ByteReader;
  /** TLS with a verified peer, or clear text that stays on this machine. */
  readonly trusted: boolean;
  /** Undefined: it ends at the host itself. */
  readonly route: ServerRoute | undefined;
  /** Whether it has carried an exchange before. */
  used: boolean;
}

/**
 * Connects to a host and, where `secure`, verifies its certificate for its name before a byte of a request goes out; there
 * is no fallback (TM-09).
 *
 * @param until Gives the attempt up early.
 * @throws {Refusal} `PROXY_UPSTREAM_CERTIFICATE` or what {@linkcode dial} throws.
 */
export async function connectUpstream(
  target: DialTarget & { readonly secure: boolean },
  settings: DialSettings,
  until?: AbortSignal,
): Promise<Upstream> {
  const { conn, loopback } = await dial(target, settings, until);
  if (!target.secure) return upstream(conn, loopback && target.named);
  const secure = await verifiedTls(conn, target.host, { settings, until, protocols: ["http/1.1"] });
  return upstream(secure.conn, true);
}

/** The same for a client that speaks HTTP/2: gives its own form to a host that does too, and to any other an `Upstream`. */
export async function connectUpstreamOf<T>(
  target: DialTarget,
  settings: DialSettings,
  http2: (conn: Deno.TlsConn) => Promise<T>,
): Promise<T | Upstream> {
  const { conn } = await dial(target, settings);
  const secure = await verifiedTls(conn, target.host, { settings, until: undefined, protocols: ["h2", "http/1.1"] });
  return secure.protocol === "h2" ? await http2(secure.conn) : upstream(secure.conn, true);
}

/** Takes `conn` over. @throws {Refusal} */
async function verifiedTls(
  conn: Deno.TcpConn,
  host: Host,
  { settings, until, protocols }: {
    settings: DialSettings;
    until: AbortSignal | undefined;
    protocols: readonly string[];
  },
): Promise<{ readonly conn: Deno.TlsConn; readonly protocol: string | null }> {
  // `startTls()` takes the connection over: from then on only what it returns can be closed.
  let open: Deno.Conn = conn;
  const giveUp = () => closeQuietly(open);
  const timer = setTimeout(giveUp, LIMITS.handshakeTimeoutMs);
  until?.addEventListener("abort", giveUp, { once: true });
  try {
    const secure = await Deno.startTls(conn, {
      hostname: serverName(host),
      caCerts: [...settings.upstreamCa],
      alpnProtocols: [...protocols],
    });
    open = secure;
    const { alpnProtocol } = await secure.handshake();
    return { conn: secure, protocol: alpnProtocol };
  } catch (error) {
    closeQuietly(open);
    throw tlsRefusal(error);
  } finally {
    clearTimeout(timer);
    until?.removeEventListener("abort", giveUp);
  }
}

function upstream(conn: Deno.Conn, trusted: boolean): Upstream {
  const reader = new ByteReader(conn);
  return { conn, reader, trusted, route: undefined, used: false, [Symbol.dispose]: () => closeQuietly(conn) };
}

/** A kept connection, unless its host closed it or spoke out of turn meanwhile. */
export function alive(upstream: Upstream | undefined): Upstream | undefined {
  if (upstream === undefined) return undefined;
  if (!upstream.reader.ended && upstream.reader.availableLength === 0) return upstream;
  upstream[Symbol.dispose]();
  return undefined;
}

function serverName(host: Host): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

/** Phrases of rustls's errors, and how we say them; what it says of the peer's bytes is not passed on. */
const CERTIFICATE_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/UnknownIssuer/, "its issuer is not trusted"],
  [/NotValidForName|not valid for name/, "it is for another name"],
  [/Expired|NotValidYet|expired|not valid yet/, "it is not valid at this time"],
  [/certificate|CertificateVerify|BadSignature/i, "it is not acceptable"],
];

/** What is wrong with the peer's certificate; undefined if the handshake failed for another reason. */
export function certificateFault(error: unknown): string | undefined {
  const text = error instanceof Error ? error.message : "";
  return CERTIFICATE_FAULTS.find(([phrase]) => phrase.test(text))?.[1];
}

function tlsRefusal(error: unknown): Refusal {
  const fault = certificateFault(error);
  return fault === undefined
    ? new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "the TLS handshake failed" })
    : new Refusal("PROXY_UPSTREAM_CERTIFICATE", { detail: fault });
}
