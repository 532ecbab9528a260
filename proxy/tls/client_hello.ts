import { concat } from "../concat.ts";
import { LIMITS } from "../limits.ts";

/** What a TLS client says first, as far as we look. */
export interface ClientHello {
  /** The server name as sent; absent for addresses. */
  readonly serverName: string | undefined;
  /** The application protocols that it offers (RFC 7301); absent if it does not say. */
  readonly protocols: readonly string[] | undefined;
}

/** Bytes are missing (`more`), or this is no ClientHello (`invalid`). */
export type ClientHelloResult = ClientHello | "more" | "invalid";

/**
 * Reads a ClientHello, which may be spread over several records.
 *
 * @param bytes All that the client has sent so far.
 * @see RFC 8446 §4.1.2, §5.1 and RFC 6066 §3
 */
export function parseClientHello(bytes: Uint8Array): ClientHelloResult {
  const message = handshakeMessage(bytes);
  if (typeof message === "string") return message;
  try {
    return readExtensions(new Cursor(message));
  } catch (error) {
    if (error instanceof RangeError) return "invalid";
    throw error;
  }
}

/**
 * The body of the first handshake message, gathered from its records.
 *
 * Asked again for each read of a slow client, so that it copies nothing before the message is whole (TM-24).
 */
function handshakeMessage(bytes: Uint8Array): Uint8Array | "more" | "invalid" {
  const parts: Uint8Array[] = [];
  let gathered = 0;
  for (let at = 0;;) {
    if (parts.length === LIMITS.clientHelloRecords) return "invalid";
    if (bytes.length === at) return "more";
    // A handshake record of TLS 1.0 to 1.3 (legacy_record_version 3.1 to 3.3).
    if (bytes[at] !== 22 || (bytes.length > at + 1 && bytes[at + 1] !== 3)) return "invalid";
    if (bytes.length < at + 5) return "more";
    const length = bytes[at + 3]! << 8 | bytes[at + 4]!;
    if (length === 0 || length > LIMITS.clientHelloBytes) return "invalid";
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    gathered += part.length;
    if (gathered > 0) {
      const [type, ...size] = firstBytes(parts, 4);
      if (type !== 1) return "invalid";
      if (size.length === 3) {
        const end = 4 + (size[0]! << 16 | size[1]! << 8 | size[2]!);
        if (end > LIMITS.clientHelloBytes) return "invalid";
        if (gathered >= end) return concat(...parts).subarray(4, end);
      }
    }
    if (bytes.length < at + 5 + length) return "more";
    at += 5 + length;
  }
}

/** At most `count` bytes from the beginning of what the parts are together. */
function firstBytes(parts: readonly Uint8Array[], count: number): number[] {
  const first: number[] = [];
  for (const part of parts) {
    first.push(...part.subarray(0, count - first.length));
    if (first.length === count) break;
  }
  return first;
}

/** Extension numbers (RFC 6066 §3, RFC 7301 §6). */
const SERVER_NAME = 0;
const ALPN = 16;

function readExtensions(hello: Cursor): ClientHello {
  hello.skip(2 + 32); // legacy_version, random
  hello.vector(1); // legacy_session_id
  hello.vector(2); // cipher_suites
  hello.vector(1); // legacy_compression_methods
  let serverName: string | undefined;
  let protocols: string[] | undefined;
  if (hello.atEnd) return { serverName, protocols };
  const extensions = hello.vector(2);
  while (!extensions.atEnd) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (type === SERVER_NAME) {
      const names = data.vector(2);
      while (!names.atEnd) {
        const kind = names.number(1);
        const name = names.vector(2).text();
        if (kind !== 0) continue;
        // One name of a type, and one extension of a type (RFC 6066 §3, RFC 8446 §4.2).
        if (serverName !== undefined) throw new RangeError("Cannot read ClientHello: two server names");
        serverName = name;
      }
    } else if (type === ALPN) {
      if (protocols !== undefined) throw new RangeError("Cannot read ClientHello: two protocol lists");
      protocols = [];
      const list = data.vector(2);
      while (!list.atEnd) protocols.push(list.vector(1).text());
    }
  }
  return { serverName, protocols };
}

/** Reads numbers and length-prefixed vectors; throws `RangeError` where bytes are missing. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new RangeError("Cannot read ClientHello: bytes are missing");
    this.#at += count;
  }

  number(width: number): number {
    const start = this.#at;
    this.skip(width);
    return this.#bytes.subarray(start, this.#at).reduce((sum, byte) => sum << 8 | byte, 0);
  }

  vector(width: number): Cursor {
    const length = this.number(width);
    const start = this.#at;
    this.skip(length);
    return new Cursor(this.#bytes.subarray(start, this.#at));
  }

  text(): string {
    return String.fromCharCode(...this.#bytes);
  }
}
