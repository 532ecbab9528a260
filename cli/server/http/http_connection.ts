import { closeQuietly } from "../../../proxy/close_quietly.ts";
import { concat } from "../../../proxy/concat.ts";
import { drain } from "../../../proxy/drain.ts";
import { BodyReader } from "../../../proxy/http/body_reader.ts";
import { ByteReader } from "../../../proxy/http/byte_reader.ts";
import { single } from "../../../proxy/http/fields.ts";
import { type Framing, keepsAlive, requestFraming } from "../../../proxy/http/framing.ts";
import { HttpError } from "../../../proxy/http/http_error.ts";
import { encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { parseRequestHead, type RequestHead } from "../../../proxy/http/request_head.ts";
import { type Authority, parseAuthority, parseTarget } from "../../../proxy/http/target.ts";
import { writeAll } from "../../../proxy/write_all.ts";
import type { ClientConn } from "./http_listener.ts";
import { Deadline } from "./deadline.ts";
import { ReceivedRequest } from "./received_request.ts";
import type { ServerLimits } from "./server_limits.ts";

/** @param address Of the client. */
export type RequestHandler = (request: ReceivedRequest, address: string) => Response | Promise<Response>;

/** What of a body is handed on at one time. */
const PIECE_BYTES = 16 * 1024;

/** A body that is longer is not copied behind its head. */
const JOINED_BYTES = 16 * 1024;

export interface HttpConnectionOptions {
  readonly handle: RequestHandler;
  readonly limits: ServerLimits;
  readonly address: string;
  /** It came over TLS. */
  readonly secure: boolean;
}

/** One client's connection, request after request. */
export class HttpConnection {
  readonly #conn: ClientConn;
  readonly #options: HttpConnectionOptions;
  readonly #reader: ByteReader;
  readonly #deadline = new Deadline(() => this.cut());
  #idle = false;
  /** Whether a request has begun, ever. */
  #served = false;
  #last = false;

  constructor(conn: ClientConn, options: HttpConnectionOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#reader = new ByteReader(conn);
  }

  /** Whether it has had a request, and waits for another. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Ends after the request that has begun, or at once if there is none. */
  finish(): void {
    this.#last = true;
    if (this.#idle) this.cut();
  }

  /** Ends at once. */
  cut(): void {
    this.#last = true;
    closeQuietly(this.#conn);
  }

  /** Serves until one side ends. Never rejects. */
  async run(): Promise<void> {
    try {
      while (await this.#serveOne());
    } catch {
      // A client that goes away, at any moment, is no event.
    } finally {
      this.#idle = false;
      this.#deadline[Symbol.dispose]();
      closeQuietly(this.#conn);
    }
  }

  /** @returns Whether another request may come. */
  async #serveOne(): Promise<boolean> {
    let head: RequestHead | undefined;
    let parts: RequestParts;
    try {
      head = await this.#readHead();
      if (head === undefined) return false;
      parts = requestParts(head, this.#options.secure);
    } catch (error) {
      if (error instanceof HttpError) await this.#refuse(error.status);
      return false;
    }
    const body = new BodyReader(this.#reader, parts.framing);
    using client = this.#watch();
    const request = new ReceivedRequest(parts.url, {
      method: head.method,
      headers: head.fields.map(({ name, value }): [string, string] => [name, value]),
      signal: client.signal,
      received: body.done ? undefined : body.takeWhole(PIECE_BYTES)?.slice(),
      ...(body.done ? {} : { body: this.#bodyStream(body, { ...parts, onEnd: client.begin }) }),
    });
    if (body.done) client.begin();
    const response = await this.#options.handle(request, this.#options.address);
    client[Symbol.dispose]();
    // What was not read of a body would be taken for the next request.
    const keep = body.done && !this.#last && keepsAlive(head.fields, head.minorVersion);
    await this.#write(response, { keep, head: head.method === "HEAD" });
    if (!keep) await drain(this.#reader, this.#conn);
    return keep;
  }

  /** Waits for a request to begin, and for its head to be whole. */
  async #readHead(): Promise<RequestHead | undefined> {
    const { limits } = this.#options;
    if (this.#reader.availableLength === 0) {
      const first = !this.#served;
      this.#idle = this.#served;
      using _ = this.#deadline.within(first ? limits.headMs : limits.idleMs);
      const more = await this.#reader.fill();
      this.#idle = false;
      if (!more) return undefined;
    }
    this.#served = true;
    let limit: Disposable | undefined;
    try {
      const bytes = await this.#reader.readHead(limits.headBytes, () => limit ??= this.#deadline.within(limits.headMs));
      return bytes === undefined ? undefined : parseRequestHead(bytes);
    } finally {
      limit?.[Symbol.dispose]();
    }
  }

  /**
   * Tells of a client that goes away while its request is worked on, from when all of that is there. What it sends
   * meanwhile is the next request's.
   */
  #watch(): { readonly signal: AbortSignal; begin(): void } & Disposable {
    const gone = new AbortController();
    let stopped = false;
    const left = () => {
      if (!stopped) gone.abort();
    };
    return {
      signal: gone.signal,
      begin: () => {
        if (this.#reader.availableLength === 0) this.#reader.fill().then((more) => more || left(), left);
      },
      [Symbol.dispose]: () => stopped = true,
    };
  }

  /** Small pieces are put together: a client may cut a body into chunks of a byte. */
  #bodyStream(
    body: BodyReader,
    { expectsContinue, onEnd }: { expectsContinue: boolean; onEnd: () => void },
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    let mayContinue = expectsContinue;
    return new ReadableStream({
      pull: async (controller) => {
        if (mayContinue) await writeAll(this.#conn, encodeLatin1("HTTP/1.1 100 Continue\r\n\r\n"));
        mayContinue = false;
        const gathered = new Uint8Array(PIECE_BYTES);
        let length = 0;
        do {
          const piece = await body.next();
          if (piece === undefined) break;
          if (length + piece.length > PIECE_BYTES) {
            controller.enqueue(gathered.slice(0, length));
            length = 0;
          }
          if (piece.length > PIECE_BYTES) controller.enqueue(piece.slice());
          else {
            gathered.set(piece, length);
            length += piece.length;
          }
        } while (this.#reader.availableLength > 0 && !body.done && length < PIECE_BYTES / 2);
        if (length > 0) controller.enqueue(gathered.slice(0, length));
        if (!body.done) return;
        onEnd();
        controller.close();
      },
    }, { highWaterMark: 0 });
  }

  async #write(response: Response, { keep, head }: { keep: boolean; head: boolean }): Promise<void> {
    // Every answer is whole; head and body in one write where that costs little, since Nagle's algorithm is on for TLS.
    const body = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    const lines = [`HTTP/1.1 ${status} `, `date: ${new Date().toUTCString()}`];
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    // To HEAD, the app's answer has lost its body; no length is better than a wrong one (RFC 9110 §8.6).
    if (status !== 204 && !head) lines.push(`content-length: ${body.length}`);
    if (!keep) lines.push("connection: close");
    const bytes = encodeLatin1(`${lines.join("\r\n")}\r\n\r\n`);
    using _ = this.#deadline.within(this.#options.limits.writeMs);
    if (head || body.length === 0) return await writeAll(this.#conn, bytes);
    if (body.length <= JOINED_BYTES) return await writeAll(this.#conn, concat(bytes, body));
    await writeAll(this.#conn, bytes);
    await writeAll(this.#conn, body);
  }

  /** Answers what is not HTTP as we read it; the connection ends with it. */
  async #refuse(status: number): Promise<void> {
    using _ = this.#deadline.within(this.#options.limits.writeMs);
    await writeAll(this.#conn, encodeLatin1(`HTTP/1.1 ${status} \r\ncontent-length: 0\r\nconnection: close\r\n\r\n`));
    await drain(this.#reader, this.#conn);
  }
}

interface RequestParts {
  readonly url: string;
  readonly framing: Framing;
  readonly expectsContinue: boolean;
}

/** Methods that `Request` has no word for, or that ask for something else than an answer (TM-21). */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Of a path, before its query. */
const DOT_SEGMENT_REGEXP = /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

/** @throws {HttpError} */
function requestParts({ method, target, fields, minorVersion }: RequestHead, secure: boolean): RequestParts {
  if (REFUSED_METHODS.has(method)) throw new HttpError("HTTP_METHOD_REFUSED", 405);
  const host = single(fields, "host");
  if (host === undefined) throw new HttpError("HTTP_TARGET_INVALID", 400);
  const named = parseAuthority(host, secure ? 443 : 80);
  const { authority = named, pathAndQuery } = target === "*" ? { pathAndQuery: "/*" } : parseTarget(target);
  // A URL drops them: what stands before us would have seen another path (TM-19).
  if (DOT_SEGMENT_REGEXP.test(pathAndQuery)) throw new HttpError("HTTP_TARGET_INVALID", 400);
  if (authority.host !== named.host || authority.port !== named.port) throw new HttpError("HTTP_HOST_MISMATCH", 421);
  const framing = requestFraming(fields, minorVersion);
  if (framing.kind !== "none" && (method === "GET" || method === "HEAD")) {
    throw new HttpError("HTTP_FRAMING_INVALID", 400);
  }
  const expectation = single(fields, "expect")?.toLowerCase();
  if (expectation !== undefined && expectation !== "100-continue") {
    throw new HttpError("HTTP_EXPECTATION_UNKNOWN", 417);
  }
  // Read once, where two would be joined and read as one that nobody sent.
  for (const name of ["authorization", "content-type", "origin"]) single(fields, name);
  return {
    url: `${secure ? "https" : "http"}://${authorityText(named)}${pathAndQuery}`,
    framing,
    expectsContinue: expectation !== undefined,
  };
}

function authorityText({ host, port }: Authority): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
