import { concatAll } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { FLAG, FRAME, type Frame, readUint32, withoutPadding } from "./frame.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { Http2Error } from "./http2_error.ts";

/** A header block as it is sent: beyond what is taken, so that who sends a little too much is told so. */
const MAX_BLOCK_BYTES = 4 * LIMITS.headBytes;

/** A header section that is whole. */
export interface Section {
  readonly stream: number;
  /** Undefined if it is larger than what is taken. */
  readonly raw: readonly string[] | undefined;
  readonly ended: boolean;
}

/** Puts the header blocks of one side together from their frames, and reads them (RFC 9113 §4.3). */
export class HeaderBlocks {
  readonly #hpack = new HpackDecoder();
  readonly #onLate: () => void;
  /** One that is not whole: nothing else may come between. */
  #open: { readonly stream: number; readonly parts: Uint8Array[]; size: number; readonly ended: boolean } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLate Told of a block that is not whole in time. */
  constructor(onLate: () => void) {
    this.#onLate = onLate;
  }

  /** @throws {Http2Error} if a frame stands between those of a block, or goes on with none. */
  assertFits({ type, stream }: Frame): void {
    const goesOn = type === FRAME.continuation;
    if (this.#open === undefined ? goesOn : !goesOn || stream !== this.#open.stream) {
      throw new Http2Error("PROTOCOL_ERROR");
    }
  }

  /** @returns The section, once the frame ends its block. */
  begin(frame: Frame): Section | undefined {
    if (frame.stream === 0) throw new Http2Error("PROTOCOL_ERROR");
    let block = withoutPadding(frame);
    if ((frame.flags & FLAG.priority) !== 0) {
      if (block.length < 5) throw new Http2Error("FRAME_SIZE_ERROR");
      if ((readUint32(block) & 0x7fff_ffff) === frame.stream) throw new Http2Error("PROTOCOL_ERROR");
      block = block.subarray(5);
    }
    this.#open = { stream: frame.stream, parts: [], size: 0, ended: (frame.flags & FLAG.endStream) !== 0 };
    this.#timer = setTimeout(this.#onLate, LIMITS.headTimeoutMs);
    return this.#add(block, frame.flags);
  }

  goOn({ payload, flags }: Frame): Section | undefined {
    return this.#add(payload, flags);
  }

  #add(part: Uint8Array, flags: number): Section | undefined {
    const open = this.#open;
    if (open === undefined) throw new Http2Error("PROTOCOL_ERROR");
    open.parts.push(part);
    open.size += part.length;
    if (open.size > MAX_BLOCK_BYTES) throw new Http2Error("ENHANCE_YOUR_CALM");
    if ((flags & FLAG.endHeaders) === 0) return undefined;
    this.close();
    return { stream: open.stream, raw: this.#hpack.decode(concatAll(open.parts)), ended: open.ended };
  }

  /** Waits for nothing any more. */
  close(): void {
    this.#open = undefined;
    clearTimeout(this.#timer);
  }
}
