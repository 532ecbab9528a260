import { ByteReader, type ByteSource } from "../http/byte_reader.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { type Frame, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, PREFACE, readUint32 } from "./frame.ts";
import { Http2Error } from "./http2_error.ts";

/** Reads the frames of one side (RFC 9113 §4.1). */
export class FrameReader {
  readonly #reader: ByteReader;

  constructor(source: ByteSource) {
    this.#reader = new ByteReader(source);
  }

  /** @throws {Http2Error} for anything else than a client's first bytes (§3.4). */
  async readPreface(): Promise<void> {
    const bytes = await this.#read(PREFACE.length);
    if (bytes === undefined || decodeLatin1(bytes) !== PREFACE) throw new Http2Error("PROTOCOL_ERROR");
  }

  /** @returns Undefined at the end, also within a frame. */
  async next(): Promise<Frame | undefined> {
    const header = await this.#read(FRAME_HEADER_BYTES);
    if (header === undefined) return undefined;
    const length = readUint32(header) >>> 8;
    const [type, flags, stream] = [header[3]!, header[4]!, readUint32(header, 5) & 0x7fff_ffff];
    if (length > MAX_FRAME_BYTES) throw new Http2Error("FRAME_SIZE_ERROR");
    const payload = await this.#read(length);
    return payload === undefined ? undefined : { type, flags, stream, payload };
  }

  /** @returns A copy; undefined at the end. */
  async #read(count: number): Promise<Uint8Array | undefined> {
    while (this.#reader.availableLength < count) if (!await this.#reader.fill()) return undefined;
    const bytes = this.#reader.available.slice(0, count);
    this.#reader.consume(count);
    return bytes;
  }
}
