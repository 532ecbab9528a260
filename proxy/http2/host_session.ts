import { BodyReader } from "../http/body_reader.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { chunk } from "../http/chunk.ts";
import { requestFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { parseRequestHead } from "../http/request_head.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { BytePipe } from "./byte_pipe.ts";
import { fieldLines, outgoingFields, readSection, readTrailers } from "./field_lines.ts";
import { Http2Connection } from "./http2_connection.ts";
import type { Http2Stream } from "./http2_stream.ts";

/** A connection to a host that speaks HTTP/2, for many exchanges at one time. */
export class HostSession implements Disposable {
  readonly #connection: Http2Connection;
  #isUsed = false;
  /** Exchanges that have it; their streams begin with their requests. */
  #exchanges = 0;

  private constructor(connection: Http2Connection) {
    this.#connection = connection;
  }

  /**
   * Waits until the host has said how much it takes.
   *
   * @param conn Its peer is verified. It belongs to the session.
   * @throws {Refusal} `PROXY_UPSTREAM_UNREACHABLE`
   */
  static async begin(conn: Deno.Conn): Promise<HostSession> {
    const connection = new Http2Connection(conn);
    const silent = () => new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "it does not begin HTTP/2" });
    using limit = timeLimit(LIMITS.handshakeTimeoutMs, silent);
    try {
      await limit.within(connection.settled);
      if (connection.isClosed) throw silent();
      return new HostSession(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Whether it takes another exchange. */
  get canOpen(): boolean {
    return this.#exchanges < this.#connection.room;
  }

  /** Whether its connection has ended. */
  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** A connection for one exchange of HTTP/1.1, which becomes a stream. */
  open(): Upstream {
    this.#exchanges++;
    const conn = new HostStream(this.#connection, () => this.#exchanges--);
    const used = this.#isUsed;
    this.#isUsed = true;
    return {
      conn,
      reader: new ByteReader(conn),
      trusted: true,
      route: undefined,
      used,
      [Symbol.dispose]: () => conn.close(),
    };
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Takes one request in HTTP/1.1, which the proxy has written, and gives its response in it. */
class HostStream {
  readonly #connection: Http2Connection;
  readonly #request = new BytePipe();
  readonly #response = new BytePipe();
  readonly #onClose: () => void;
  #stream: Http2Stream | undefined;
  #isClosed = false;

  /** @param onClose Told once. */
  constructor(connection: Http2Connection, onClose: () => void) {
    this.#connection = connection;
    this.#onClose = onClose;
    this.#send().catch((error) => {
      // A host may answer, and end the stream, before it has read everything: then the answer counts.
      this.#request.fail(error);
      if (this.#stream === undefined) this.#response.fail(error);
    });
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#response.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#request.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#request.end();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.#request.fail();
    this.#response.fail();
    // A request that was cut must not look whole to the host.
    this.#stream?.reset("CANCEL");
  }

  async #send(): Promise<void> {
    const reader = new ByteReader(this.#request);
    const bytes = await reader.readHead(LIMITS.headBytes);
    if (bytes === undefined) return;
    const head = parseRequestHead(bytes);
    const framing = requestFraming(head.fields, head.minorVersion);
    const authority = head.fields.find(({ lower }) => lower === "host")?.value ?? "";
    const raw = [
      ...[":method", head.method, ":scheme", "https", ":authority", authority, ":path", head.target],
      ...outgoingFields(head.fields.filter(({ lower }) => lower !== "host")),
      // The proxy passes trailers on (RFC 9110 §10.1.4); gRPC asks for it.
      ...["te", "trailers"],
    ];
    const stream = this.#stream = this.#connection.open(raw, { end: framing.kind === "none" });
    stream.onClose(() => this.#request.fail());
    this.#receive(stream, head.method).catch((error) => {
      this.#response.fail(error);
      this.close();
    });
    if (framing.kind === "none") return;
    const body = new BodyReader(reader, framing);
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) await stream.write(piece);
    await stream.end();
  }

  async #receive(stream: Http2Stream, method: string): Promise<void> {
    const { raw, ended } = await stream.answered.promise;
    const { pseudo, fields } = readSection(raw);
    const status = pseudo.get("status") ?? "";
    if (pseudo.size !== 1 || !/^[2-5]\d\d$/.test(status)) throw new HttpError("HTTP_RESPONSE_INVALID", 502);
    const hasLength = fields.some(([name]) => name === "content-length");
    const bodiless = method === "HEAD" || status === "204" || status === "304";
    const framing = hasLength || bodiless ? "" : ended ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n";
    // One exchange is all that this connection carries.
    const head = `HTTP/1.1 ${status} \r\n${fieldLines(fields)}${framing}connection: close\r\n\r\n`;
    await this.#response.write(encodeLatin1(head));
    const chunked = framing.startsWith("transfer-encoding");
    for (let piece = await stream.read(); piece !== undefined; piece = await stream.read()) {
      await this.#response.write(chunked ? chunk(piece) : piece);
    }
    const trailers = fieldLines(readTrailers(stream.trailers));
    if (chunked) await this.#response.write(encodeLatin1(`0\r\n${trailers}\r\n`));
    this.#response.end();
  }
}
