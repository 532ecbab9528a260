import { concat } from "../concat.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";
import type { StreamReplacer } from "../scrub/stream_replacer.ts";
import { type FramePiece, OPCODE } from "./frame.ts";
import { frameBytes } from "./frame_bytes.ts";

const EMPTY = new Uint8Array(0);

/**
 * Makes what a host sends ready for the client: real values in messages and control frames become tokens, also where they
 * straddle fragments (TM-01, TM-03).
 *
 * Each piece goes on at once but for what may begin a value, so that a message of many fragments does not stall.
 */
export class HostMessages {
  readonly #plan: () => ScrubPlan;
  /** Of the message that is open. */
  #replacer: StreamReplacer | undefined;
  /** Whether a frame of it went out. */
  #begun = false;

  /** @param plan The values of the moment: asked for at the beginning of each message. */
  constructor(plan: () => ScrubPlan) {
    this.#plan = plan;
  }

  /** @returns The bytes of the frames that go out for what came next; empty if all of it is held back. */
  take(piece: FramePiece): Uint8Array {
    if (piece.kind === "control") {
      // It must stay within 125 bytes, and a Pong must be the Ping's equal.
      const replacer = this.#plan().replacer({ keepLength: true });
      const payload = concat(replacer.push(piece.payload), replacer.flush());
      return frameBytes({ opcode: piece.opcode, fin: true, payload }, false);
    }
    const { kind, starts, ends } = piece;
    // Binary formats count their bytes; text is read as such.
    if (starts) this.#replacer = this.#plan().replacer({ keepLength: kind === "binary" });
    const replacer = this.#replacer ??= this.#plan().replacer({ keepLength: true });
    const safe = replacer.push(piece.payload);
    const payload = ends ? concat(safe, replacer.flush()) : safe;
    const opcode = this.#begun ? OPCODE.continuation : OPCODE[kind];
    if (ends) this.#replacer = undefined;
    if (payload.length === 0 && !ends) return EMPTY;
    this.#begun = !ends;
    return frameBytes({ opcode, fin: ends, payload }, false);
  }
}
