import type { Host } from "../../../policy/host.ts";
import { parseHost } from "../../../policy/host.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";

/** What a client did: how it spoke to the proxy, and what came out of the tunnel. */
export interface Seen {
  /** `CONNECT host:port`, `GET http://…` or, inside a tunnel, `GET https://host/path`. */
  readonly request: string;
  readonly authorized: boolean;
}

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** With the credentials. */
  readonly url: string;
  readonly caPem: string;
  readonly seen: readonly Seen[];
}

/** Every request to this name is refused with 403, as the real proxy refuses a host outside the rules. */
export const REFUSED_HOST = "refused.example.test";
/** A CONNECT to this name is never answered. */
export const SILENT_HOST = "silent.example.test";
/** What every request that came through is answered. */
export const ANSWER = "through the proxy";
/** A path of any host with a body of this many bytes. */
export const LARGE_PATH = "/large";
export const LARGE_BYTES = 8 * 1024 * 1024;
/** In the proxy's URL; no program may show it in an error. */
export const PASSWORD = "per-run-password";
const CREDENTIALS = `Basic ${btoa(`kz:${PASSWORD}`)}`;
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Starts a proxy with the contract of ours: Basic credentials or 407, CONNECT for TLS that it answers itself with a
 * certificate of its own CA and HTTP/1.1 only, absolute-form for plain HTTP, nothing but TLS in a tunnel.
 */
export async function startTestProxy(): Promise<TestProxy> {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const seen: Seen[] = [];
  const origins = new Map<Host, Origin>();
  const open = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];

  async function origin(host: Host): Promise<number> {
    let known = origins.get(host);
    if (known === undefined) origins.set(host, known = await startOrigin(authority, { host, seen }));
    return known.port;
  }

  async function serve(conn: Deno.Conn): Promise<void> {
    open.add(conn);
    try {
      for (;;) {
        const head = await readHead(conn);
        if (head === undefined) return;
        const authorized = head.header("proxy-authorization") === CREDENTIALS;
        seen.push({ request: `${head.method} ${head.target}`, authorized });
        if (!authorized) {
          await respond(conn, {
            status: "407 Proxy Authentication Required",
            headers: 'Proxy-Authenticate: Basic realm="kz"',
          });
        } else if (head.target.includes(REFUSED_HOST)) {
          await respond(conn, {
            status: "403 Forbidden",
            body: '{"error":{"code":"POLICY_HOST_DENIED","message":"x"}}',
          });
        } else if (head.target.includes(SILENT_HOST)) {
          while (await conn.read(new Uint8Array(1024)) !== null);
          return;
        } else if (head.method === "CONNECT") {
          const host = parseHost(head.target.replace(/:\d+$/, ""));
          return await tunnel(conn, await origin(host), open);
        } else {
          await respond(conn, { status: "200 OK", body: ANSWER });
        }
      }
    } catch {
      // A client may leave at any time; what it asked for is in `seen`.
    } finally {
      open.delete(conn);
      close(conn);
    }
  }

  const accepting = (async () => {
    for await (const conn of listener) running.push(serve(conn));
  })();

  const { port } = listener.addr as Deno.NetAddr;
  return {
    port,
    url: `http://kz:${PASSWORD}@127.0.0.1:${port}`,
    caPem: authority.certificatePem,
    seen,
    async [Symbol.asyncDispose]() {
      close(listener);
      for (const conn of open) close(conn);
      await accepting.catch(() => {});
      await Promise.all([...origins.values()].map((each) => each[Symbol.asyncDispose]()));
      await Promise.all(running);
    },
  };
}

interface Origin extends AsyncDisposable {
  readonly port: number;
}

/** The TLS end of every tunnel to one host. */
async function startOrigin(
  authority: CertificateAuthority,
  options: { host: Host; seen: Seen[] },
): Promise<Origin> {
  const { certPem, keyPem } = await authority.issue(options.host);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: certPem,
    key: keyPem,
    alpnProtocols: ["http/1.1"],
  });
  const open = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];

  async function serve(conn: Deno.TlsConn): Promise<void> {
    open.add(conn);
    try {
      for (let head = await readHead(conn); head !== undefined; head = await readHead(conn)) {
        options.seen.push({ request: `${head.method} https://${options.host}${head.target}`, authorized: true });
        if (head.header("upgrade") === "websocket") return await acceptWebSocket(conn, head);
        const body = head.target === LARGE_PATH ? "x".repeat(LARGE_BYTES) : ANSWER;
        await respond(conn, { status: "200 OK", body });
      }
    } catch {
      // As above: a client that breaks off, or does not trust the certificate.
    } finally {
      open.delete(conn);
      close(conn);
    }
  }

  const accepting = (async () => {
    for (;;) {
      const conn = await listener.accept().catch(() => undefined);
      if (conn === undefined) return;
      running.push(serve(conn));
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      close(listener);
      for (const conn of open) close(conn);
      await accepting;
      await Promise.all(running);
    },
  };
}

async function tunnel(conn: Deno.Conn, port: number, open: Set<Deno.Conn>): Promise<void> {
  await write(conn, "HTTP/1.1 200 Connection established\r\n\r\n");
  // 22 is a TLS handshake record (RFC 8446 §5.1).
  const first = new Uint8Array(16 * 1024);
  const size = await conn.read(first);
  if (size === null || first[0] !== 22) return;
  const upstream = await Deno.connect({ hostname: "127.0.0.1", port });
  open.add(upstream);
  try {
    await write(upstream, first.subarray(0, size));
    await Promise.all([
      conn.readable.pipeTo(upstream.writable).catch(() => close(upstream)),
      upstream.readable.pipeTo(conn.writable).catch(() => close(conn)),
    ]);
  } finally {
    open.delete(upstream);
    close(upstream);
  }
}

/** Accepts the WebSocket, sends one text frame with {@linkcode ANSWER} and waits for the end (RFC 6455 §4.2.2, §5.2). */
async function acceptWebSocket(conn: Deno.Conn, head: Head): Promise<void> {
  const key = (head.header("sec-websocket-key") ?? "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key)));
  await write(
    conn,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${btoa(String.fromCharCode(...digest))}\r\n\r\n`,
  );
  await write(conn, `\x81${String.fromCharCode(ANSWER.length)}${ANSWER}`);
  while (await conn.read(new Uint8Array(1024)) !== null);
}

interface Head {
  readonly method: string;
  readonly target: string;
  header(name: string): string | undefined;
}

/** Reads one request with an empty or counted body; `undefined` at the end of the connection. */
async function readHead(conn: Deno.Conn): Promise<Head | undefined> {
  let text = "";
  const byte = new Uint8Array(1);
  // Byte by byte, so that nothing behind the head is taken from the tunnel.
  while (!text.endsWith("\r\n\r\n")) {
    if (text.length > MAX_HEAD_BYTES || await conn.read(byte) === null) return undefined;
    text += String.fromCharCode(byte[0]!);
  }
  const [line = "", ...fields] = text.trimEnd().split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const header = (name: string) =>
    fields.find((field) => field.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim();
  for (let left = Number(header("content-length") ?? "0"); left > 0;) {
    left -= await conn.read(new Uint8Array(left)) ?? left;
  }
  return { method, target, header };
}

async function respond(conn: Deno.Conn, answer: { status: string; headers?: string; body?: string }): Promise<void> {
  const body = answer.body ?? "";
  const headers = answer.headers === undefined ? "" : `${answer.headers}\r\n`;
  await write(conn, `HTTP/1.1 ${answer.status}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`);
}

/** @param data Text is one byte a character. */
async function write(conn: Deno.Conn, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? Uint8Array.from(data, (char) => char.charCodeAt(0)) : data;
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // Closed by the other side of the pair.
  }
}
