import { FLAG, FRAME, type Frame } from "./frame.ts";

/** Frames that cost us and bring nothing: what a client and its cancelled calls need stays far below. */
const BURST = 1_000;
const PER_SECOND = 200;

/** Counts frames that a flood is made of (RFC 9113 §10.5; CVE-2019-9512 to 9518, CVE-2023-44487). */
export class ControlBudget {
  #left = BURST;
  #at = performance.now();

  /** @returns False once there were too many. */
  spend(): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#at) / 1000 * PER_SECOND) - 1;
    this.#at = now;
    return this.#left >= 0;
  }
}

/** Whether a frame makes work and carries nothing. */
export function costsUs({ type, flags, payload }: Frame): boolean {
  switch (type) {
    case FRAME.headers:
    case FRAME.windowUpdate:
      return false;
    case FRAME.data:
      return payload.length === 0 && (flags & FLAG.endStream) === 0;
    default:
      return true;
  }
}
