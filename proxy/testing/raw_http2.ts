import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { closeQuietly } from "../close_quietly.ts";
import { concatAll } from "../concat.ts";
import { HpackDecoder } from "../http2/hpack/decoder.ts";
import { writeAll } from "../write_all.ts";
import type { Lab } from "./lab.ts";

/** Types of frames (RFC 9113 §6). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
/** Of SETTINGS and PING. */
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY = 32;

export const PREFACE = encodeLatin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** A name and a value as they are sent, one character for each byte; a value may be left out of no field. */
export type RawField = readonly [name: string, value: string];

/** What a client is told of a stream. */
export type Outcome =
  | { readonly kind: "status"; readonly status: number; readonly body: string; readonly whole: boolean }
  | { readonly kind: "reset" | "goaway"; readonly code: number }
  | { readonly kind: "closed" };

/** How long a test waits for a frame that must come. */
const WAIT_MS = 5_000;

/** A frame as it is sent, whatever is wrong with it. Its parts stand in the order of the wire. */
// deno-lint-ignore kz/max-params
export function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ""): Uint8Array {
  const bytes = typeof payload === "string" ? encodeLatin1(payload) : payload;
  return concatAll([
    Uint8Array.of(bytes.length >> 16, bytes.length >> 8, bytes.length, type, flags),
    uint32(stream),
    bytes,
  ]);
}

/** A number of four bytes, the largest first. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** A header block of literals without indexing and without Huffman's code (RFC 7541 §6.2.2). */
export function headerBlock(fields: readonly RawField[]): Uint8Array {
  return concatAll(fields.flatMap(([name, value]) => [Uint8Array.of(0), literal(name), literal(value)]));
}

function literal(text: string): Uint8Array {
  return concatAll([prefixed(0, 7, text.length), encodeLatin1(text)]);
}

/** An integer with a prefix of so many bits (RFC 7541 §5.1). */
export function prefixed(high: number, bits: number, value: number): Uint8Array {
  const most = (1 << bits) - 1;
  if (value < most) return Uint8Array.of(high | value);
  const bytes = [high | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Uint8Array.of(...bytes, left);
}

export function headers(stream: number, fields: readonly RawField[], flags = END_HEADERS | END_STREAM): Uint8Array {
  return frame(FRAME.headers, flags, stream, headerBlock(fields));
}

export function data(stream: number, payload: Uint8Array | string, flags = 0): Uint8Array {
  return frame(FRAME.data, flags, stream, payload);
}

/** Settings by their numbers (RFC 9113 §6.5.2). */
export function settings(values: readonly (readonly [id: number, value: number])[] = []): Uint8Array {
  const payload = values.map(([id, value]) => concatAll([Uint8Array.of(id >> 8, id), uint32(value)]));
  return frame(FRAME.settings, 0, 0, concatAll(payload));
}

/** The pseudo headers of a usual request, with others behind them. */
export function request(fields: readonly RawField[] = [], { method = "GET", path = "/", host = "api.test" } = {}) {
  const pseudo: RawField[] = [[":method", method], [":scheme", "https"], [":authority", host], [":path", path]];
  return [...pseudo, ...fields];
}

/** One end of a connection of HTTP/2 that sends frames as they are given and takes apart what comes. */
export class RawHttp2 implements Disposable {
  readonly conn: Deno.Conn;
  #left: Uint8Array = new Uint8Array(0);
  #pending: Promise<number | null> | undefined;
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #waitMs: number;

  /** @param waitMs How long a frame is waited for. */
  constructor(conn: Deno.Conn, waitMs = WAIT_MS) {
    this.conn = conn;
    this.#waitMs = waitMs;
  }

  /**
   * A client inside a tunnel of a lab. Its settings let the other side use no dynamic table, so that a status can be read
   * without one.
   *
   * @param first What is sent in place of the preface and settings.
   */
  static async open(lab: Lab, first: Uint8Array = concatAll([PREFACE, settings([[1, 0]])])): Promise<RawHttp2> {
    const client = new RawHttp2(await lab.tunnel("api.test:443", { protocols: ["h2"] }));
    await client.send(first);
    return client;
  }

  async send(...frames: readonly Uint8Array[]): Promise<void> {
    await writeAll(this.conn, concatAll(frames));
  }

  /** The next frame; undefined at the end of the connection. */
  async next(): Promise<Frame | undefined> {
    while (this.#left.length < 9 || this.#left.length < 9 + this.#length()) {
      if (!await this.#fill()) return undefined;
    }
    const end = 9 + this.#length();
    const [bytes, view] = [this.#left.subarray(0, end), new DataView(this.#left.buffer, this.#left.byteOffset)];
    this.#left = this.#left.slice(end);
    const stream = view.getUint32(5) & 0x7fffffff;
    return { type: bytes[3]!, flags: bytes[4]!, stream, payload: bytes.subarray(9) };
  }

  /** Passes over bytes that are no frame. */
  async skip(bytes: number): Promise<void> {
    while (this.#left.length < bytes && await this.#fill());
    this.#left = this.#left.slice(bytes);
  }

  /** Reads frames until one is as it is asked for, and gives it; undefined at the end of the connection. */
  async until(found: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const next = await this.next();
      if (next === undefined || found(next)) return next;
    }
  }

  /** Reads until a stream, or the connection, has ended; settings and pings are answered. */
  async outcome(stream: number): Promise<Outcome> {
    let status = 0;
    let body = "";
    for (;;) {
      const next = await this.next();
      if (next === undefined) return status === 0 ? { kind: "closed" } : { kind: "status", status, body, whole: false };
      if (next.type === FRAME.settings && (next.flags & ACK) === 0) await this.#answer(frame(FRAME.settings, ACK, 0));
      if (next.type === FRAME.goaway && status === 0) return { kind: "goaway", code: uintAt(next.payload, 4) };
      if (next.stream !== stream) continue;
      if (next.type === FRAME.reset) {
        return status === 0
          ? { kind: "reset", code: uintAt(next.payload, 0) }
          : { kind: "status", status, body, whole: false };
      }
      if (next.type === FRAME.headers && status < 200) status = statusOf(next.payload);
      if (next.type === FRAME.data) body += decodeLatin1(next.payload);
      if ((next.type === FRAME.headers || next.type === FRAME.data) && (next.flags & END_STREAM) !== 0) {
        return { kind: "status", status, body, whole: true };
      }
    }
  }

  async #answer(bytes: Uint8Array): Promise<void> {
    await this.send(bytes).catch(() => {});
  }

  #length(): number {
    return (this.#left[0]! << 16) | (this.#left[1]! << 8) | this.#left[2]!;
  }

  async #fill(): Promise<boolean> {
    const count = await this.#read();
    if (count === null) return false;
    this.#left = concatAll([this.#left, this.#buffer.slice(0, count)]);
    return true;
  }

  async #read(): Promise<number | null> {
    this.#pending ??= this.conn.read(this.#buffer).catch(() => null);
    const pending = this.#pending;
    if (this.#waitMs === Infinity) return await pending.finally(() => this.#pending = undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("Cannot read: no frame came in time")), this.#waitMs);
    });
    const count = await Promise.race([pending, late]).finally(() => clearTimeout(timer));
    this.#pending = undefined;
    return count;
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }
}

function uintAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** The status of a header block of literals and entries of the static table: the client allows no others. */
export function statusOf(block: Uint8Array): number {
  const raw = new HpackDecoder().decode(block);
  if (raw?.[0] !== ":status") throw new Error("Cannot read status: the block does not begin with one");
  return Number(raw[1]);
}
