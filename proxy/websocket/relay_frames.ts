import type { ByteReader } from "../http/byte_reader.ts";
import { concat } from "../concat.ts";
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

/** Starts to carry frames one way. A connection that breaks is one that ends. */
export function relayFrames(direction: Direction): RunningDirection {
  const fault = Promise.withResolvers<Fault | undefined>();
  const ended = relay(direction, fault.resolve).catch(() => {}).finally(() => fault.resolve(undefined));
  return { fault: fault.promise, ended };
}

async function relay({ reader, parser, messages, to }: Direction, onFault: (fault: Fault) => void): Promise<void> {
  let faulty = false;
  while (reader.availableLength > 0 || await reader.fill()) {
    const bytes = reader.available;
    reader.consume(bytes.length);
    const frames: Uint8Array[] = [];
    const fail = (error: unknown) => {
      if (!(error instanceof Refusal || error instanceof FrameError)) throw error;
      faulty = true;
      onFault(error);
    };
    try {
      for (const piece of parser.parse(bytes)) {
        // After a refusal the rest is read up to the sender's Close frame, and dropped.
        if (faulty) continue;
        try {
          frames.push(messages.take(piece));
        } catch (error) {
          fail(error);
        }
      }
    } catch (error) {
      fail(error);
      return;
    }
    if (faulty && parser.closed) return;
    // One write for all that came in one read. What came before a fault goes nowhere: the other side is cut off.
    if (!faulty) await to.send(concat(...frames));
  }
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
