import { LIMITS } from "../limits.ts";
import {
  CLOSE,
  type ControlFrame,
  type DataKind,
  FrameError,
  type FramePiece,
  MAX_CONTROL_BYTES,
  OPCODE,
} from "./frame.ts";
import { GrowingBuffer } from "./growing_buffer.ts";

/** Who sent the bytes: a client masks every frame, a server none (RFC 6455 §5.1). */
export type Sender = "client" | "server";

/** A frame whose head is known. */
interface OpenFrame {
  readonly kind: DataKind | "control";
  readonly opcode: number;
  readonly fin: boolean;
  /** First frame of its message. */
  readonly starts: boolean;
  readonly mask: Uint8Array | undefined;
  /** Bytes that have come, for the mask's position. */
  seen: number;
  /** Bytes yet to come. */
  left: number;
  /** Whether a piece of it was given out. */
  begun: boolean;
}

/** Two bytes, eight of length, four of mask. */
const MAX_HEAD_BYTES = 14;

/**
 * Takes a stream of WebSocket frames apart (RFC 6455 §5), strictly: no extension was negotiated, so every reserved bit is
 * an error, a compressed message too.
 *
 * Frames up to {@linkcode LIMITS.webSocketPieceBytes} come in one piece, however they were split on their way. What
 * follows a Close frame is dropped (§5.5.1).
 */
export class FrameParser {
  readonly #masked: boolean;
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #headLength = 0;
  #frame: OpenFrame | undefined;
  /** The fragmented message that is open. */
  #message: DataKind | undefined;
  readonly #held = new GrowingBuffer();
  #closed = false;

  constructor(sender: Sender) {
    this.#masked = sender === "client";
  }

  /** Whether a Close frame has come. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes the next bytes.
   *
   * @param bytes Unmasked in place; payloads may be parts of it.
   * @throws {FrameError} after the pieces before the fault; no more may be parsed then.
   */
  *parse(bytes: Uint8Array): Generator<FramePiece> {
    let at = 0;
    while (!this.#closed) {
      at = this.#readHead(bytes, at);
      const frame = this.#frame;
      if (frame === undefined) return;
      const part = bytes.subarray(at, at + frame.left);
      at += part.length;
      unmask(part, frame);
      frame.left -= part.length;
      if (frame.left > 0 && this.#held.length + part.length < LIMITS.webSocketPieceBytes) {
        this.#held.append(part);
        return;
      }
      yield this.#piece(frame, this.#joined(part));
    }
  }

  /** @returns Where the head ends; `#frame` is set if it is whole. */
  #readHead(bytes: Uint8Array, from: number): number {
    let at = from;
    while (this.#frame === undefined && at < bytes.length) {
      this.#head[this.#headLength++] = bytes[at++]!;
      this.#checkHead();
    }
    return at;
  }

  /** Looks at each byte of a head as it comes, so that a bad one is not waited on. */
  #checkHead(): void {
    const [first = 0, second = 0] = this.#head;
    if (this.#headLength === 1) this.#checkFirst(first);
    if (this.#headLength < 2) return;
    const isControl = (first & 0x08) !== 0;
    const short = second & 0x7f;
    if (this.#headLength === 2) {
      if (((second & 0x80) !== 0) !== this.#masked) throw new FrameError(CLOSE.protocolError);
      if (isControl && short > MAX_CONTROL_BYTES) throw new FrameError(CLOSE.protocolError);
      // A status code has two bytes (§5.5.1).
      if ((first & 0x0f) === OPCODE.close && short === 1) throw new FrameError(CLOSE.protocolError);
    }
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.#headLength < 2 + extra + (this.#masked ? 4 : 0)) return;
    const opcode = first & 0x0f;
    this.#frame = {
      kind: isControl ? "control" : this.#message ?? (opcode === OPCODE.text ? "text" : "binary"),
      opcode,
      fin: (first & 0x80) !== 0,
      starts: opcode !== OPCODE.continuation,
      mask: this.#masked ? this.#head.slice(2 + extra, 6 + extra) : undefined,
      seen: 0,
      left: extra === 0 ? short : this.#extendedLength(extra),
      begun: false,
    };
    this.#headLength = 0;
  }

  #checkFirst(first: number): void {
    const opcode = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    const known = opcode <= OPCODE.binary || (opcode >= OPCODE.close && opcode <= OPCODE.pong);
    const isControl = opcode >= OPCODE.close;
    const inOrder = isControl ? fin : (opcode === OPCODE.continuation) === (this.#message !== undefined);
    if ((first & 0x70) !== 0 || !known || !inOrder) throw new FrameError(CLOSE.protocolError);
  }

  /** The length behind the second byte, which must not fit a shorter form (§5.2). */
  #extendedLength(bytes: number): number {
    const view = new DataView(this.#head.buffer);
    if (bytes === 2) {
      const length = view.getUint16(2);
      if (length <= MAX_CONTROL_BYTES) throw new FrameError(CLOSE.protocolError);
      return length;
    }
    const length = view.getBigUint64(2);
    if (length <= 0xffffn || length >> 63n !== 0n) throw new FrameError(CLOSE.protocolError);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError(CLOSE.tooBig);
    return Number(length);
  }

  #joined(part: Uint8Array): Uint8Array {
    if (this.#held.length === 0) return part;
    this.#held.append(part);
    return this.#held.take();
  }

  #piece(frame: OpenFrame, payload: Uint8Array): FramePiece {
    const whole = frame.left === 0;
    if (whole) this.#frame = undefined;
    if (frame.kind === "control") {
      const opcode = controlOpcode(frame.opcode);
      this.#closed = opcode === OPCODE.close;
      return { kind: "control", opcode, payload };
    }
    const ends = whole && frame.fin;
    const starts = frame.starts && !frame.begun;
    frame.begun = true;
    this.#message = ends ? undefined : frame.kind;
    return { kind: frame.kind, payload, starts, ends };
  }
}

function controlOpcode(opcode: number): ControlFrame["opcode"] {
  return opcode === OPCODE.close ? OPCODE.close : opcode === OPCODE.ping ? OPCODE.ping : OPCODE.pong;
}

function unmask(part: Uint8Array, frame: OpenFrame): void {
  const { mask } = frame;
  if (mask !== undefined) {
    for (let at = 0; at < part.length; at++) part[at]! ^= mask[(frame.seen + at) & 3]!;
  }
  frame.seen += part.length;
}
