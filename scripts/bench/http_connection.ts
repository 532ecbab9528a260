/** Through what a connection goes; absent: directly. */
export interface ProxyAddress {
  readonly hostname: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`, if the proxy asks for one. */
  readonly authorization: string | undefined;
}

const CRLF_CRLF = [13, 10, 13, 10];

/**
 * One kept-alive HTTP/1.1 connection, as cheap as a client can be: requests are ready bytes, and of a reply only status
 * and framing are read. Reads what our servers and the measured proxies send, not HTTP at large.
 */
export class HttpConnection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(256 * 1024);
  /** Of the reply that was read last. */
  lastStatus = 0;
  /** The bytes that are read and not consumed stand between these. */
  #start = 0;
  #end = 0;

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Connects to a port of this machine, in clear text. */
  static async openPlain(port: number): Promise<HttpConnection> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    tcp.setNoDelay(true);
    return new HttpConnection(tcp);
  }

  /** Connects to `localhost:port` over TLS; the certificate is verified against the process's own roots. */
  static async open(port: number, proxy: ProxyAddress | undefined): Promise<HttpConnection> {
    const { hostname, port: dialled } = proxy ?? { hostname: "127.0.0.1", port };
    const tcp = await Deno.connect({ hostname, port: dialled });
    tcp.setNoDelay(true);
    if (proxy !== undefined) await openTunnel(tcp, port, proxy);
    const conn = await Deno.startTls(tcp, { hostname: "localhost" });
    return new HttpConnection(conn);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(at === 0 ? bytes : bytes.subarray(at));
  }

  /**
   * Reads one reply.
   *
   * @param onBody Gets each piece of the body, valid until it returns.
   * @param options `takes`: another status than 200 that is no error, for {@linkcode lastStatus}.
   * @returns Length of the body in bytes.
   * @throws {Error} if the status is another one or the connection ends early.
   */
  async readReply(onBody?: (piece: Uint8Array) => void, { takes }: { takes?: number } = {}): Promise<number> {
    const head = await this.#readHead();
    this.lastStatus = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
    if (this.lastStatus !== 200 && this.lastStatus !== takes) {
      throw new Error(`Cannot measure: the reply is ${head.split("\r\n", 1)[0]}`);
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) return await this.#readBytes(Number(length), onBody);
    let total = 0;
    while (true) {
      const size = parseInt(await this.#readLine(), 16);
      if (size > 0) total += await this.#readBytes(size, onBody);
      await this.#readLine();
      if (size === 0) return total;
    }
  }

  async #readHead(): Promise<string> {
    let searched = this.#start;
    while (true) {
      const at = indexOfBlankLine(this.#buffer, searched, this.#end);
      if (at >= 0) {
        const head = latin1(this.#buffer.subarray(this.#start, at + 2));
        this.#start = at + 4;
        return head;
      }
      const before = this.#start;
      searched = Math.max(before, this.#end - 3);
      await this.#fill();
      searched -= before - this.#start;
    }
  }

  async #readLine(): Promise<string> {
    while (true) {
      const at = this.#buffer.indexOf(10, this.#start);
      if (at >= 0 && at < this.#end) {
        const line = latin1(this.#buffer.subarray(this.#start, at - 1));
        this.#start = at + 1;
        return line;
      }
      await this.#fill();
    }
  }

  async #readBytes(length: number, onBody?: (piece: Uint8Array) => void): Promise<number> {
    let left = length;
    while (left > 0) {
      if (this.#start === this.#end) await this.#fill();
      const piece = this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + left));
      onBody?.(piece);
      this.#start += piece.length;
      left -= piece.length;
    }
    return length;
  }

  async #fill(): Promise<void> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const read = await this.#conn.read(this.#buffer.subarray(this.#end));
    if (read === null) throw new Error("Cannot measure: the connection ended within a reply");
    this.#end += read;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

async function openTunnel(tcp: Deno.TcpConn, port: number, proxy: ProxyAddress): Promise<void> {
  const authorization = proxy.authorization === undefined ? "" : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const head = `CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}\r\n${authorization}\r\n`;
  await tcp.write(new TextEncoder().encode(head));
  // The server speaks first only after our handshake, so that nothing but the head can arrive.
  const buffer = new Uint8Array(16 * 1024);
  let end = 0;
  while (indexOfBlankLine(buffer, 0, end) < 0) {
    const read = await tcp.read(buffer.subarray(end));
    if (read === null) throw new Error("Cannot measure: the proxy closed the connection");
    end += read;
  }
  const status = latin1(buffer.subarray(0, end)).split("\r\n", 1)[0] ?? "";
  if (!/^HTTP\/1\.[01] 200/.test(status)) throw new Error(`Cannot measure: the proxy answered ${status}`);
}

function indexOfBlankLine(bytes: Uint8Array, from: number, end: number): number {
  for (let at = bytes.indexOf(13, from); at >= 0 && at + 3 < end; at = bytes.indexOf(13, at + 1)) {
    if (CRLF_CRLF.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

const LATIN1 = new TextDecoder("latin1");
function latin1(bytes: Uint8Array): string {
  return LATIN1.decode(bytes);
}
