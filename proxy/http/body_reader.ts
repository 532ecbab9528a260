import { LIMITS } from "../limits.ts";
import type { ByteReader } from "./byte_reader.ts";
import { type Field, parseFields } from "./fields.ts";
import type { Framing } from "./framing.ts";
import { HttpError } from "./http_error.ts";
import { decodeLatin1 } from "./latin1.ts";

/** A chunk's size in up to 13 hexadecimal digits stays exact in a double. */
const CHUNK_LINE_REGEXP = /^[0-9A-Fa-f]{1,13}$/;
/** The line before a chunk: digits only, since chunk extensions are refused (TM-18). */
const MAX_CHUNK_LINE_BYTES = 16;

/**
 * Reads one body to its end, and not a byte further.
 *
 * Pieces come as they arrive; each is valid until the next one is asked for.
 */
export class BodyReader {
  readonly #reader: ByteReader;
  readonly #framing: Framing;
  /** Bytes left of the body, or of the current chunk. */
  #left: number;
  #inChunk = false;
  #done: boolean;
  /** The trailer section; empty until the end, and mostly then too. */
  trailers: readonly Field[] = [];

  constructor(reader: ByteReader, framing: Framing) {
    this.#reader = reader;
    this.#framing = framing;
    this.#left = framing.kind === "length" ? framing.bytes : 0;
    this.#done = framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0);
  }

  /** Whether the whole body was read. */
  get done(): boolean {
    return this.#done;
  }

  /** All of a body whose length is known, if all of it has arrived and nothing was read yet; valid as a piece is. */
  takeWhole(maxBytes: number): Uint8Array | undefined {
    if (this.#framing.kind !== "length" || this.#left !== this.#framing.bytes) return undefined;
    if (this.#left > maxBytes || this.#reader.availableLength < this.#left) return undefined;
    const whole = this.#reader.available.subarray(0, this.#left);
    this.#reader.consume(whole.length);
    this.#left = 0;
    this.#done = true;
    return whole;
  }

  /** The next piece, never empty; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#done) return undefined;
    switch (this.#framing.kind) {
      case "length":
        return await this.#nextOfLength();
      case "chunked":
        return await this.#nextOfChunks();
      default:
        return await this.#nextUntilClose();
    }
  }

  async #nextOfLength(): Promise<Uint8Array> {
    const piece = await this.#take();
    if (this.#left === 0) this.#done = true;
    return piece;
  }

  async #nextUntilClose(): Promise<Uint8Array | undefined> {
    if (this.#reader.availableLength === 0 && !await this.#reader.fill()) {
      this.#done = true;
      return undefined;
    }
    const piece = this.#reader.available;
    this.#reader.consume(piece.length);
    return piece;
  }

  async #nextOfChunks(): Promise<Uint8Array | undefined> {
    if (this.#left === 0) {
      if (this.#inChunk && await this.#line(0) !== "") throw new HttpError("HTTP_CHUNK_INVALID", 400);
      const size = await this.#line(MAX_CHUNK_LINE_BYTES);
      if (!CHUNK_LINE_REGEXP.test(size)) throw new HttpError("HTTP_CHUNK_INVALID", 400);
      this.#left = parseInt(size, 16);
      this.#inChunk = true;
      if (this.#left === 0) {
        await this.#readTrailers();
        this.#done = true;
        return undefined;
      }
    }
    return await this.#take();
  }

  /** What has arrived of the bytes that are left; waits for the first. */
  async #take(): Promise<Uint8Array> {
    if (this.#reader.availableLength === 0 && !await this.#reader.fill()) throw new HttpError("HTTP_BODY_CUT_OFF", 400);
    const piece = this.#reader.available.subarray(0, this.#left);
    this.#reader.consume(piece.length);
    this.#left -= piece.length;
    return piece;
  }

  /** One line, without its CR LF. */
  async #line(maxBytes: number): Promise<string> {
    for (;;) {
      const bytes = this.#reader.available;
      const lf = bytes.indexOf(10);
      if (lf >= 0 && lf <= maxBytes + 1) {
        if (bytes[lf - 1] !== 13) throw new HttpError("HTTP_CHUNK_INVALID", 400);
        this.#reader.consume(lf + 1);
        return decodeLatin1(bytes.subarray(0, lf - 1));
      }
      if (lf >= 0 || bytes.length > maxBytes + 2) throw new HttpError("HTTP_CHUNK_INVALID", 400);
      if (!await this.#reader.fill()) throw new HttpError("HTTP_BODY_CUT_OFF", 400);
    }
  }

  async #readTrailers(): Promise<void> {
    const lines: string[] = [];
    let bytes = 0;
    for (;;) {
      const line = await this.#line(LIMITS.trailerBytes);
      if (line === "") break;
      bytes += line.length + 2;
      if (bytes > LIMITS.trailerBytes) throw new HttpError("HTTP_HEAD_TOO_LARGE", 431);
      lines.push(line);
    }
    this.trailers = parseFields(lines);
  }
}
