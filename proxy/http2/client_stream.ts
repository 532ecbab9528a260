import { BodyReader } from "../http/body_reader.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { chunk } from "../http/chunk.ts";
import { responseFraming } from "../http/framing.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { parseResponseHead, type ResponseHead } from "../http/response_head.ts";
import { LIMITS } from "../limits.ts";
import { BytePipe } from "./byte_pipe.ts";
import { fieldLines, outgoingFields, readTrailers } from "./field_lines.ts";
import type { Http2Stream } from "./http2_stream.ts";
import type { Http1Head } from "./request_bytes.ts";

/**
 * A stream of a client's as a connection that carries one exchange of HTTP/1.1: what is read is its request, what is
 * written becomes its response.
 */
export class ClientStream {
  readonly #stream: Http2Stream;
  readonly #request = new BytePipe();
  readonly #response = new BytePipe();
  readonly #method: string;
  /** The response was handed on, as far as there was one. Never rejected. */
  readonly answered: Promise<void>;

  constructor(stream: Http2Stream, head: Http1Head) {
    this.#stream = stream;
    this.#method = head.method;
    stream.onClose(() => this.close());
    // A response that was not begun, or not ended, must not be taken for a whole one.
    this.answered = this.#answer().catch(() => {
      this.#response.fail();
      stream.reset("INTERNAL_ERROR");
    });
    this.#feed(head).catch((error) => this.#request.fail(error));
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#request.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#response.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#response.end();
    return this.answered;
  }

  close(): void {
    this.#request.fail();
    this.#response.fail();
  }

  /** The client's request, as the lines and chunks of HTTP/1.1. */
  async #feed({ bytes, body }: Http1Head): Promise<void> {
    await this.#request.write(bytes);
    if (body !== "none") {
      for (let piece = await this.#stream.read(); piece !== undefined; piece = await this.#stream.read()) {
        await this.#request.write(body === "chunked" ? chunk(piece) : piece);
      }
      const trailers = fieldLines(readTrailers(this.#stream.trailers));
      if (body === "chunked") await this.#request.write(encodeLatin1(`0\r\n${trailers}\r\n`));
      else if (trailers !== "") throw new Deno.errors.InvalidData("Cannot read request: a trailer follows it");
    }
    // An end would say that the client is gone. It waits for its answer, and has no other request on this stream.
    await this.answered;
    this.#request.end();
  }

  async #answer(): Promise<void> {
    const reader = new ByteReader(this.#response);
    const head = await this.#finalHead(reader);
    if (head === undefined) throw new Deno.errors.UnexpectedEof("Cannot answer: there is no response");
    const raw = [":status", String(head.status), ...outgoingFields(head.fields)];
    const framing = responseFraming(head.fields, { ...head, method: this.#method });
    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      return await this.#stream.sendHeaders(raw, { end: true });
    }
    const body = new BodyReader(reader, framing);
    await this.#stream.sendHeaders(raw, { end: false });
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) await this.#stream.write(piece);
    await this.#stream.end(outgoingFields(body.trailers));
  }

  /** Passes a 100 on. */
  async #finalHead(reader: ByteReader): Promise<ResponseHead | undefined> {
    for (;;) {
      const bytes = await reader.readHead(LIMITS.headBytes);
      if (bytes === undefined) return undefined;
      const head = parseResponseHead(bytes);
      if (head.status >= 200) return head;
      await this.#stream.sendHeaders([":status", String(head.status)], { end: false });
    }
  }
}
