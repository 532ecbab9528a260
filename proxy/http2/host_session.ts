import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { isGrpc } from "../exchange/grpc.ts";
import { BodyReader } from "../http/body_reader.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { chunk } from "../http/chunk.ts";
import { requestFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { parseRequestHead } from "../http/request_head.ts";
import { LIMITS } from "../limits.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { BytePipe } from "./byte_pipe.ts";
import { rawSection } from "./client_stream.ts";
import { connectionDuplex } from "./connection_duplex.ts";
import { fieldLines, outgoingFields, readSection } from "./field_lines.ts";
import { resetStream } from "./reset_stream.ts";
import { writeStream } from "./write_stream.ts";

/** A connection to a host that speaks HTTP/2, for many exchanges at one time. */
export class HostSession implements Disposable {
  readonly #session: ClientHttp2Session;
  #isUsed = false;

  /** @param conn Its peer is verified. It belongs to the session. */
  constructor(conn: Deno.Conn) {
    this.#session = connect("https://host.invalid", {
      createConnection: () => connectionDuplex(conn),
      settings: { enablePush: false, maxHeaderListSize: LIMITS.headBytes },
      maxHeaderListPairs: LIMITS.headFields,
    });
    // Its streams end with it, and say so.
    this.#session.on("error", () => {});
    this.#session.on("goaway", () => this.#session.close());
  }

  get isAlive(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** A connection for one exchange of HTTP/1.1, which becomes a stream. */
  open(): Upstream {
    const conn = new HostStream(this.#session);
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
    this.#session.destroy();
  }
}

/** Takes one request in HTTP/1.1, which the proxy has written, and gives its response in it. */
class HostStream {
  readonly #session: ClientHttp2Session;
  readonly #request = new BytePipe();
  readonly #response = new BytePipe();
  #stream: ClientHttp2Stream | undefined;
  #isClosed = false;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
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
    this.#request.fail();
    this.#response.fail();
    // A request that was cut must not look whole to the host.
    if (this.#stream?.closed === false) resetStream(this.#stream);
  }

  async #send(): Promise<void> {
    const reader = new ByteReader(this.#request);
    const bytes = await reader.readHead(LIMITS.headBytes);
    if (bytes === undefined) return;
    const head = parseRequestHead(bytes);
    const framing = requestFraming(head.fields, head.minorVersion);
    const { host = "", ...fields } = outgoingFields(head.fields);
    const stream = this.#session.request({
      ":method": head.method,
      ":scheme": "https",
      ":authority": String(host),
      ":path": head.target,
      ...fields,
      // The proxy passes trailers on (RFC 9110 §10.1.4); gRPC asks for it.
      te: "trailers",
    }, { endStream: framing.kind === "none" });
    this.#stream = stream;
    this.#receive(stream, head.method);
    const body = new BodyReader(reader, framing);
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
      await writeStream(stream, piece);
    }
    if (framing.kind !== "none") stream.end();
  }

  #receive(stream: ClientHttp2Stream, method: string): void {
    let trailers: readonly string[] = [];
    let isAnswered = false;
    stream.on("trailers", (...[, , raw]: unknown[]) => trailers = rawSection(raw));
    // The close that follows says enough.
    stream.on("error", () => {});
    stream.on("close", () => {
      this.#request.fail();
      if (!isAnswered) this.#response.fail();
    });
    stream.on("response", (...[, flags, raw]: unknown[]) => {
      isAnswered = true;
      const ended = typeof flags === "number" && (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      this.#relay(stream, { raw: rawSection(raw), ended, method, trailers: () => trailers })
        .catch((error) => {
          this.#response.fail(error);
          this.close();
        });
    });
  }

  async #relay(
    stream: ClientHttp2Stream,
    { raw, ended, method, trailers }: {
      raw: readonly string[];
      ended: boolean;
      method: string;
      trailers: () => readonly string[];
    },
  ): Promise<void> {
    const { pseudo, fields } = readSection(raw);
    const status = pseudo.get("status") ?? "";
    if (pseudo.size !== 1 || !/^[2-5]\d\d$/.test(status)) throw new HttpError("HTTP_RESPONSE_INVALID", 502);
    const grpc = isGrpc(fields.map(([name, value]) => ({ name, lower: name, value })));
    const hasLength = fields.some(([name]) => name === "content-length");
    const bodiless = method === "HEAD" || status === "204" || status === "304";
    const framing = hasLength || bodiless ? "" : ended ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n";
    // One exchange is all that this connection carries.
    const lines = `HTTP/1.1 ${status} \r\n${fieldLines(fields)}${framing}connection: close\r\n\r\n`;
    await this.#response.write(encodeLatin1(lines));
    const chunked = framing.startsWith("transfer-encoding");
    for await (const piece of stream) {
      if (!(piece instanceof Uint8Array) || piece.length === 0) continue;
      await this.#response.write(chunked ? chunk(piece) : piece);
    }
    // A call of gRPC ends with trailers. Without them it was reset, which the runtime does not tell where the code says
    // that there was no error.
    const isWhole = stream.rstCode === constants.NGHTTP2_NO_ERROR && (ended || !grpc || trailers().length > 0);
    if (!isWhole) throw new Deno.errors.ConnectionReset("Cannot go on: the host reset the stream");
    if (chunked) {
      await this.#response.write(encodeLatin1(`0\r\n${fieldLines(readSection(trailers()).fields)}\r\n`));
    }
    this.#response.end();
  }
}
