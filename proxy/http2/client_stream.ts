import type { ServerHttp2Stream } from "node:http2";
import { BodyReader } from "../http/body_reader.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { chunk } from "../http/chunk.ts";
import { responseFraming } from "../http/framing.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { parseResponseHead, type ResponseHead } from "../http/response_head.ts";
import { LIMITS } from "../limits.ts";
import { BytePipe } from "./byte_pipe.ts";
import { fieldLines, outgoingFields, readSection } from "./field_lines.ts";
import type { Http1Head } from "./request_bytes.ts";
import { resetStream } from "./reset_stream.ts";
import { writeStream } from "./write_stream.ts";

/**
 * A stream of a client's as a connection that carries one exchange of HTTP/1.1: what is read is its request, what is
 * written becomes its response.
 */
export class ClientStream {
  readonly #stream: ServerHttp2Stream;
  readonly #request = new BytePipe();
  readonly #response = new BytePipe();
  readonly #method: string;
  /** The response was handed on, as far as there was one. Never rejected. */
  readonly answered: Promise<void>;

  constructor(stream: ServerHttp2Stream, head: Http1Head) {
    this.#stream = stream;
    this.#method = head.method;
    stream.on("close", () => this.close());
    this.answered = this.#answer().catch(() => this.#reset());
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
    let trailers: readonly string[] = [];
    this.#stream.on("trailers", (...[, , raw]: unknown[]) => trailers = rawSection(raw));
    await this.#request.write(bytes);
    if (body !== "none") {
      for await (const piece of this.#stream) {
        if (!(piece instanceof Uint8Array) || piece.length === 0) continue;
        await this.#request.write(body === "chunked" ? chunk(piece) : piece);
      }
      if (this.#stream.aborted) throw new Deno.errors.ConnectionReset("Cannot read request: its stream was reset");
      if (body === "chunked") {
        await this.#request.write(encodeLatin1(`0\r\n${fieldLines(readSection(trailers).fields)}\r\n`));
      } else if (trailers.length > 0) throw new Deno.errors.InvalidData("Cannot read request: a trailer follows it");
    }
    // An end would say that the client is gone. It waits for its answer, and has no other request on this stream.
    await this.answered;
    this.#request.end();
  }

  async #answer(): Promise<void> {
    const reader = new ByteReader(this.#response);
    const head = await this.#finalHead(reader);
    if (head === undefined) return this.#reset();
    const fields = outgoingFields(head.fields);
    const framing = responseFraming(head.fields, { ...head, method: this.#method });
    const headers = { ":status": head.status, ...fields };
    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      this.#stream.respond(headers, { endStream: true });
      return;
    }
    const body = new BodyReader(reader, framing);
    this.#stream.respond(headers, { waitForTrailers: true });
    this.#stream.on("wantTrailers", () => this.#stream.sendTrailers(outgoingFields(body.trailers)));
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
      await writeStream(this.#stream, piece);
    }
    this.#stream.end();
  }

  async #finalHead(reader: ByteReader): Promise<ResponseHead | undefined> {
    for (;;) {
      const bytes = await reader.readHead(LIMITS.headBytes);
      if (bytes === undefined) return undefined;
      const head = parseResponseHead(bytes);
      if (head.status >= 200) return head;
      if (head.status === 100) this.#stream.additionalHeaders({ ":status": 100 });
    }
  }

  /** A response that was not begun, or not ended, must not be taken for a whole one. */
  #reset(): void {
    this.#response.fail();
    resetStream(this.#stream);
  }
}

/** What Node's types do not tell of an event. */
export function rawSection(raw: unknown): readonly string[] {
  return Array.isArray(raw) && raw.every((text) => typeof text === "string") ? raw : [];
}
