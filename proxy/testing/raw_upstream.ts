import { closeQuietly } from "../close_quietly.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import type { LeafCertificate } from "../tls/certificate_authority.ts";
import { writeAll } from "../write_all.ts";

/** A server, over TLS or in clear text, that answers with bytes as they are given and remembers what it was sent. */
export class RawUpstream implements AsyncDisposable {
  /** Each request: its head, and its body as far as its framing says. */
  readonly requests: string[] = [];
  /** All bytes that came, whole requests or not. */
  received = "";
  connections = 0;
  readonly #listener: Deno.TlsListener | Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #onHead: (head: string) => string;
  readonly #consume: ((bytes: Uint8Array) => string) | undefined;

  /**
   * @param certificate Absent: clear text.
   * @param consume Takes all bytes in place of `respond`, so that nothing is remembered; gives what is answered.
   * @param onHead What is sent as soon as a request's head is there; the rest is answered by `respond`.
   */
  constructor(
    certificate: LeafCertificate | undefined,
    respond: (request: string, conn: Deno.Conn) => string | Promise<string>,
    { onHead = () => "", consume }: {
      onHead?: (head: string) => string;
      consume?: (bytes: Uint8Array) => string;
    } = {},
  ) {
    this.#onHead = onHead;
    this.#consume = consume;
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = certificate === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, cert: certificate.certPem, key: certificate.keyPem });
    this.#accepting = this.#accept(respond);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Closes the connections that are open now, without a word. */
  cut(): void {
    for (const conn of this.#open) closeQuietly(conn);
  }

  async #accept(respond: (request: string, conn: Deno.Conn) => string | Promise<string>): Promise<void> {
    for (;;) {
      try {
        const conn = await this.#listener.accept();
        this.connections++;
        this.#open.add(conn);
        const serving = this.#serve(conn, respond).catch(() => {}).finally(() => {
          closeQuietly(conn);
          this.#open.delete(conn);
          this.#serving.delete(serving);
        });
        this.#serving.add(serving);
      } catch {
        return;
      }
    }
  }

  async #serve(
    conn: Deno.Conn,
    respond: (request: string, conn: Deno.Conn) => string | Promise<string>,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    let inBody = false;
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      if (this.#consume !== undefined) {
        await writeAll(conn, encodeLatin1(this.#consume(buffer.subarray(0, count))));
        continue;
      }
      const piece = decodeLatin1(buffer.subarray(0, count));
      text += piece;
      this.received += piece;
      if (!inBody && text.includes("\r\n\r\n")) {
        inBody = true;
        await writeAll(conn, encodeLatin1(this.#onHead(text)));
      }
      for (let length = requestLength(text); length !== undefined; length = requestLength(text)) {
        const request = text.slice(0, length);
        text = text.slice(length);
        inBody = false;
        this.requests.push(request);
        const response = await respond(request, conn);
        await writeAll(conn, encodeLatin1(response));
        if (/^connection: close/im.test(response.split("\r\n\r\n")[0]!)) return;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeQuietly(this.#listener);
    for (const conn of this.#open) closeQuietly(conn);
    await Promise.allSettled([this.#accepting, ...this.#serving]);
  }
}

/** The length of the first request in `text`; undefined while it is not whole. */
function requestLength(text: string): number | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const start = end + 4;
  if (/^transfer-encoding: chunked/im.test(head)) {
    const last = text.indexOf("0\r\n\r\n", start);
    return last < 0 ? undefined : last + 5;
  }
  const length = start + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < length ? undefined : length;
}
