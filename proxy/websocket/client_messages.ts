import type { ByteBudget, ByteLease } from "../byte_budget.ts";
import { concat } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { outgoingRefusal } from "../outgoing_refusal.ts";
import type { StreamDetector } from "../scrub/scrub_plan.ts";
import type { SwapContext } from "../swap/grant.ts";
import { type DataPiece, type FramePiece, OPCODE } from "./frame.ts";
import { frameBytes } from "./frame_bytes.ts";
import { GrowingBuffer } from "./growing_buffer.ts";
import { refuseTokenBytes, swapMessage } from "./swap_message.ts";

const EMPTY = new Uint8Array(0);

/**
 * Makes what a client sends ready for the host: a message is gathered, searched as a whole, and sent as one frame. One over
 * {@linkcode LIMITS.webSocketMessageBytes} goes out in fragments as it comes, searched on its way; a token in it ends the
 * connection with the message unfinished (TM-05).
 */
export class ClientMessages implements Disposable {
  readonly #context: () => SwapContext;
  readonly #budget: ByteBudget;
  readonly #gathered = new GrowingBuffer();
  #lease: ByteLease | undefined;
  /** Of the long message that is on its way. */
  #detector: StreamDetector | undefined;
  /** Whether a fragment of it went out. */
  #begun = false;

  /**
   * @param context What is searched for at the moment: asked for with each message.
   * @param budget Takes what is held of large messages.
   */
  constructor(context: () => SwapContext, budget: ByteBudget) {
    this.#context = context;
    this.#budget = budget;
  }

  /**
   * Takes what came next.
   *
   * @returns The bytes of the frames that go out for it; often none.
   * @throws {Refusal} for a token that is not replaced where it stands, a real value, and `PROXY_OVERLOADED`.
   */
  take(piece: FramePiece): Uint8Array {
    if (piece.kind === "control") {
      refuseTokenBytes(piece.payload, this.#context());
      return frameBytes({ opcode: piece.opcode, fin: true, payload: piece.payload }, true);
    }
    if (this.#detector !== undefined) return this.#stream(piece, piece.payload);
    const size = this.#gathered.length + piece.payload.length;
    if (size > LIMITS.webSocketMessageBytes) {
      this.#detector = this.#context().encoded.detector();
      const before = this.#gathered.take();
      this[Symbol.dispose]();
      return this.#stream(piece, concat(before, piece.payload));
    }
    if (!piece.ends) {
      this.#hold(piece.payload);
      return EMPTY;
    }
    const whole = this.#gathered.length === 0 ? piece.payload : this.#gatheredWith(piece.payload);
    const payload = this.#searched(piece, whole);
    this[Symbol.dispose]();
    return frameBytes({ opcode: OPCODE[piece.kind], fin: true, payload }, true);
  }

  #searched({ kind }: DataPiece, whole: Uint8Array): Uint8Array {
    if (kind === "text") return swapMessage(whole, this.#context());
    refuseTokenBytes(whole, this.#context());
    return whole;
  }

  #hold(payload: Uint8Array): void {
    // What every connection may hold for itself is not counted.
    const small = Math.max(0, LIMITS.wholeBodyBytes - this.#gathered.length);
    if (payload.length > small) {
      this.#lease ??= this.#budget.lease();
      this.#lease.grow(payload.length - small);
    }
    this.#gathered.append(payload);
  }

  #gatheredWith(payload: Uint8Array): Uint8Array {
    this.#hold(payload);
    return this.#gathered.take();
  }

  #stream({ kind, ends }: DataPiece, bytes: Uint8Array): Uint8Array {
    const detector = this.#detector!;
    const step = detector.push(bytes);
    if ("found" in step) throw outgoingRefusal(step.found);
    const payload = ends ? concat(step.out, detector.flush()) : step.out;
    const opcode = this.#begun ? OPCODE.continuation : OPCODE[kind];
    if (ends) this.#detector = undefined;
    if (payload.length === 0 && !ends) return EMPTY;
    this.#begun = !ends;
    return frameBytes({ opcode, fin: ends, payload }, true);
  }

  /** Gives back what was held; the messages may go on. */
  [Symbol.dispose](): void {
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
  }
}
