import type { ByteReader } from "../http/byte_reader.ts";
import { concatAll } from "../concat.ts";
import { Refusal } from "../refusal.ts";
import { type ByteSink, writeAll } from "../write_all.ts";
import { FrameError, type FramePiece } from "./frame.ts";
import type { FrameParser } from "./frame_parser.ts";

/** One direction of a WebSocket. */
export interface Direction {
  readonly reader: ByteReader;
  readonly parser: FrameParser;
  /** Makes the bytes that go out for what came. */
  readonly messages: { take(piece: FramePiece): Uint8Array };
  readonly to: FrameSink;
}

/** What was wrong with what came. */
export type Fault = Refusal | FrameError;

/** A direction at work. Neither promise is rejected. */
export interface RunningDirection {
  /** The first fault; undefined when the direction ends without one. */
  readonly fault: Promise<Fault | undefined>;
  /** Its sender has ended, or, after a fault, has sent its Close frame. */
  readonly ended: Promise<void>;
}

const EMPTY = new Uint8Array(0);

/** Starts to carry frames one way. A connection that breaks is one that ends. */
export function relayFrames(direction: Direction): RunningDirection {
  const fault = Promise.withResolvers<Fault | undefined>();
  const ended = relay(direction, fault.resolve)
    .catch((error) => error instanceof FrameError ? fault.resolve(error) : undefined)
    .finally(() => fault.resolve(undefined));
  return { fault: fault.promise, ended };
}

async function relay(direction: Direction, onFault: (fault: Fault) => void): Promise<void> {
  const { reader, parser, to } = direction;
  let faulty = false;
  // What one read brought is nowhere held while the next one is waited for: an idle WebSocket is a small one.
  while (!(faulty && parser.closed) && (reader.availableLength > 0 || await reader.fill())) {
    if (faulty) dropRead(direction);
    else {
      await to.send(framesOfRead(direction, (fault) => {
        faulty = true;
        onFault(fault);
      }));
    }
  }
}

/** The frames for all that came in one read; none if there was a fault in it, since the other side is cut off then. */
function framesOfRead({ reader, parser, messages }: Direction, onFault: (fault: Fault) => void): Uint8Array {
  const frames: Uint8Array[] = [];
  let faulty = false;
  for (const piece of parser.parse(takeRead(reader))) {
    if (faulty) continue;
    try {
      frames.push(messages.take(piece));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      faulty = true;
      onFault(error);
    }
  }
  return faulty ? EMPTY : concatAll(frames);
}

/** After a refusal what comes is read up to the sender's Close frame, and dropped. */
function dropRead({ reader, parser }: Direction): void {
  for (const _ of parser.parse(takeRead(reader)));
}

function takeRead(reader: ByteReader): Uint8Array {
  const bytes = reader.available;
  reader.consume(bytes.length);
  return bytes;
}

/** Where frames go. A frame is never written into another, and nothing after our own Close frame. */
export class FrameSink {
  readonly #sink: ByteSink;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** @param bytes Whole frames. @returns When they are written, so that a slow reader slows its sender. */
  send(bytes: Uint8Array): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#write(bytes);
  }

  close(frame: Uint8Array): Promise<void> {
    this.#closed = true;
    return this.#write(frame);
  }

  #write(bytes: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => writeAll(this.#sink, bytes));
    // Whoever waits is told; nobody may be waiting.
    this.#writing.catch(() => {});
    return this.#writing;
  }
}
