import type { ByteLease } from "../byte_budget.ts";
import { concat } from "../concat.ts";
import { ByteReader } from "../http/byte_reader.ts";
import type { Field } from "../http/fields.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import { outgoingRefusal } from "../outgoing_refusal.ts";
import { Refusal } from "../refusal.ts";
import type { StreamDetector } from "../scrub/scrub_plan.ts";
import type { ChunkSigner } from "./chunk_signer.ts";
import type { SignedRequest } from "./signed_request.ts";

/** A body that is read piece by piece. */
export interface BodySource {
  /** The next piece, never empty; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  readonly trailers: readonly Field[];
}

/** How a payload is carried on. */
export interface ChunkedPayloadOptions {
  readonly signed: SignedRequest;
  /** Absent where chunks are not signed. */
  readonly signer: ChunkSigner | undefined;
  /** Searches what the chunks hold, also over their borders. */
  readonly detector: StreamDetector;
  /** A signed chunk is kept on it. */
  readonly lease: ByteLease;
}

/**
 * A chunk's size, without leading zeros, and its signature if it has one; nine digits are 64 GiB, more than an object may
 * have in one piece.
 */
const CHUNK_LINE_REGEXP = /^(0|[1-9A-Fa-f][0-9A-Fa-f]{0,8})(?:;chunk-signature=([0-9a-f]{64}))?$/;
const MAX_LINE_BYTES = 256;
/** A trailer section holds a checksum or two and a signature. */
const MAX_TRAILER_BYTES = 8 * 1024;
const TRAILER_SIGNATURE = "x-amz-trailer-signature";
const CRLF = encodeLatin1("\r\n");

/**
 * A body in the coding `aws-chunked`, with its chunks and trailer signed anew.
 *
 * Every signature has the length of the one it replaces, so that the body's length stays. A signed chunk is kept until its
 * signature is checked and its hash is known; of others nothing is kept.
 */
export class ChunkedPayload implements BodySource {
  readonly #source: BodySource;
  readonly #reader: ByteReader;
  readonly #options: ChunkedPayloadOptions;
  readonly #pieces: AsyncGenerator<Uint8Array, undefined>;

  constructor(source: BodySource, options: ChunkedPayloadOptions) {
    this.#source = source;
    this.#reader = new ByteReader(piecewise(source));
    this.#options = options;
    this.#pieces = this.#carry();
  }

  get trailers(): readonly Field[] {
    return this.#source.trailers;
  }

  async next(): Promise<Uint8Array | undefined> {
    const { value } = await this.#pieces.next();
    return value;
  }

  async *#carry(): AsyncGenerator<Uint8Array, undefined> {
    using signer = this.#options.signer;
    let largest: number = LIMITS.wholeBodyBytes;
    for (;;) {
      const line = await this.#line();
      const [, digits, signature] = CHUNK_LINE_REGEXP.exec(line) ?? [];
      if (digits === undefined || (signature === undefined) !== (signer === undefined)) throw this.#malformed();
      const size = parseInt(digits, 16);
      if (signer !== undefined && signature !== undefined) {
        if (size > LIMITS.signedChunkBytes) throw this.#refusal("PROXY_AWS_BODY_TOO_LARGE");
        this.#options.lease.grow(Math.max(0, size - largest));
        largest = Math.max(largest, size);
        const data = await this.#exactly(size);
        this.#search(data);
        yield concat(encodeLatin1(`${digits};chunk-signature=${signer.chunk(data, signature)}\r\n`), data);
      } else {
        yield encodeLatin1(`${line}\r\n`);
        yield* this.#upTo(size);
      }
      if (size === 0) break;
      if (await this.#line() !== "") throw this.#malformed();
      yield CRLF;
    }
    yield await this.#trailerSection(signer);
    // What follows the end would be nobody's.
    if (this.#reader.availableLength > 0 || await this.#reader.fill()) throw this.#malformed();
  }

  /** The lines after the last chunk, with the empty one. */
  async #trailerSection(signer: ChunkSigner | undefined): Promise<Uint8Array> {
    const { payload } = this.#options.signed;
    const withTrailer = payload.kind === "chunks" && payload.trailer;
    let signedText = "";
    let sent = "";
    let signature: string | undefined;
    for (let line = await this.#line(); line !== ""; line = await this.#line()) {
      const [, name, value] = /^([A-Za-z0-9-]+):[ ]*([\x20-\x7e]*?)[ ]*$/.exec(line) ?? [];
      // Nothing may come after the signature, nor stand unsigned beside it.
      if (!withTrailer || name === undefined || value === undefined || signature !== undefined) throw this.#malformed();
      if (name.toLowerCase() === TRAILER_SIGNATURE) signature = value;
      else {
        signedText += `${name.toLowerCase()}:${value}\n`;
        sent += `${line}\r\n`;
      }
      if (sent.length > MAX_TRAILER_BYTES) throw this.#malformed();
    }
    if ((signature === undefined) !== (signer === undefined || !withTrailer)) throw this.#malformed();
    this.#search(encodeLatin1(sent));
    if (signer !== undefined && signature !== undefined) {
      sent += `${TRAILER_SIGNATURE}:${signer.trailer(signedText, signature)}\r\n`;
    }
    return encodeLatin1(`${sent}\r\n`);
  }

  /** One line, without its CR LF. */
  async #line(): Promise<string> {
    for (;;) {
      const bytes = this.#reader.available;
      const lf = bytes.indexOf(10);
      if (lf > MAX_LINE_BYTES || (lf < 0 && bytes.length > MAX_LINE_BYTES)) throw this.#malformed();
      if (lf >= 0) {
        if (bytes[lf - 1] !== 13) throw this.#malformed();
        this.#reader.consume(lf + 1);
        return decodeLatin1(bytes.subarray(0, lf - 1));
      }
      await this.#more();
    }
  }

  async #exactly(size: number): Promise<Uint8Array> {
    while (this.#reader.availableLength < size) await this.#more();
    const data = this.#reader.available.slice(0, size);
    this.#reader.consume(size);
    return data;
  }

  async *#upTo(size: number): AsyncGenerator<Uint8Array, void> {
    for (let left = size; left > 0;) {
      if (this.#reader.availableLength === 0) await this.#more();
      const piece = this.#reader.available.slice(0, left);
      this.#reader.consume(piece.length);
      left -= piece.length;
      this.#search(piece);
      yield piece;
    }
  }

  #search(bytes: Uint8Array): void {
    const step = this.#options.detector.push(bytes);
    if ("found" in step) throw outgoingRefusal(step.found);
  }

  async #more(): Promise<void> {
    if (!await this.#reader.fill()) throw this.#malformed();
  }

  #malformed(): Refusal {
    return this.#refusal("PROXY_AWS_SIGNATURE_MALFORMED");
  }

  #refusal(code: "PROXY_AWS_SIGNATURE_MALFORMED" | "PROXY_AWS_BODY_TOO_LARGE"): Refusal {
    return new Refusal(code, { secret: this.#options.signed.keys.name });
  }
}

/** Hands a body's pieces out in the sizes that are asked for. */
function piecewise(source: BodySource): { read(into: Uint8Array): Promise<number | null> } {
  let left: Uint8Array = new Uint8Array(0);
  return {
    async read(into) {
      if (left.length === 0) left = await source.next() ?? left;
      if (left.length === 0) return null;
      const count = Math.min(into.length, left.length);
      into.set(left.subarray(0, count));
      left = left.subarray(count);
      return count;
    },
  };
}
