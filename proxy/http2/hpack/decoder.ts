import { decodeLatin1 } from "../../http/latin1.ts";
import { LIMITS } from "../../limits.ts";
import { Http2Error } from "../http2_error.ts";
import { decodeHuffman } from "./huffman.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** What the protocol begins with, and what we leave it at (RFC 9113 §6.5.2). */
const TABLE_BYTES = 4096;
/** What an entry costs besides its text (RFC 7541 §4.1). */
const ENTRY_BYTES = 32;
/** No index or length that is of use is longer. */
const MAX_INTEGER = 1 << 24;

type Entry = readonly [name: string, value: string];

/** Reads the header blocks of one direction of a connection, in the order in which they came (RFC 7541). */
export class HpackDecoder {
  /** Newest first. */
  readonly #entries: Entry[] = [];
  #size = 0;
  #maxSize = TABLE_BYTES;

  /**
   * Reads one block.
   *
   * @returns Name, value, name, value: one character for each byte. Undefined if they are more than a head may have: what
   * comes next may refer to them all the same.
   * @throws {Http2Error} after which nothing of the connection can be read any more.
   */
  decode(block: Uint8Array): string[] | undefined {
    const cursor = new Cursor(block);
    const raw: string[] = [];
    let size = 0;
    let mayResize = true;
    while (!cursor.isAtEnd) {
      const first = cursor.peek();
      if ((first & 0xe0) === 0x20) {
        const limit = cursor.integer(5);
        if (!mayResize || limit > TABLE_BYTES) throw new Http2Error("COMPRESSION_ERROR");
        this.#resize(limit);
        continue;
      }
      mayResize = false;
      const [name, value] = this.#field(first, cursor);
      // References to one long entry make much of little.
      size += name.length + value.length + ENTRY_BYTES;
      if (size <= LIMITS.headBytes) raw.push(name, value);
    }
    return size <= LIMITS.headBytes ? raw : undefined;
  }

  #field(first: number, cursor: Cursor): Entry {
    if ((first & 0x80) !== 0) return this.#entry(cursor.integer(7));
    const isIndexed = (first & 0xc0) === 0x40;
    const index = cursor.integer(isIndexed ? 6 : 4);
    const entry: Entry = [index === 0 ? cursor.string() : this.#entry(index)[0], cursor.string()];
    if (isIndexed) this.#add(entry);
    return entry;
  }

  #entry(index: number): Entry {
    const entry = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#entries[index - STATIC_TABLE.length - 1];
    if (entry === undefined) throw new Http2Error("COMPRESSION_ERROR");
    return entry;
  }

  #add(entry: Entry): void {
    this.#entries.unshift(entry);
    this.#size += sizeOf(entry);
    this.#evict();
  }

  #resize(limit: number): void {
    this.#maxSize = limit;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#maxSize) this.#size -= sizeOf(this.#entries.pop()!);
  }
}

function sizeOf([name, value]: Entry): number {
  return name.length + value.length + ENTRY_BYTES;
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Http2Error("COMPRESSION_ERROR");
    return byte;
  }

  /** RFC 7541 §5.1 */
  integer(prefixBits: number): number {
    const full = (1 << prefixBits) - 1;
    let value = this.#next() & full;
    if (value < full) return value;
    for (let shift = 0;; shift += 7) {
      const byte = this.#next();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER || shift > 21) throw new Http2Error("COMPRESSION_ERROR");
      if ((byte & 0x80) === 0) return value;
    }
  }

  /** RFC 7541 §5.2 */
  string(): string {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Http2Error("COMPRESSION_ERROR");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return isHuffman ? decodeHuffman(bytes) : decodeLatin1(bytes);
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}
