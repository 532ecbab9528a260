import { LIMITS } from "../limits.ts";
import { type ByteSink, writeAll } from "../write_all.ts";
import { type Frame, frameBytes } from "./frame.ts";

/** Frames that wait to be written: some for each stream. */
const MAX_QUEUED = 16 * LIMITS.http2Streams;

/** Writes frames one after the other, each whole. */
export class FrameWriter {
  readonly #sink: ByteSink;
  readonly #onFail: () => void;
  #last: Promise<void> = Promise.resolve();
  #queued = 0;

  /** @param onFail Told when nothing can be written any more, or too much waits. */
  constructor(sink: ByteSink, onFail: () => void) {
    this.#sink = sink;
    this.#onFail = onFail;
  }

  frame(frame: Frame): Promise<void> {
    return this.bytes(frameBytes(frame));
  }

  /** @param bytes Whole frames, or what comes before the first. */
  bytes(bytes: Uint8Array): Promise<void> {
    // A peer that reads nothing lets what is not waited for pile up.
    if (++this.#queued > MAX_QUEUED) this.#onFail();
    this.#last = this.#last.then(() => writeAll(this.#sink, bytes)).finally(() => this.#queued--);
    // Who does not wait for it is told by the end of the connection.
    this.#last.catch(() => this.#onFail());
    return this.#last;
  }
}
