import { closeQuietly } from "./close_quietly.ts";
import { writeAll } from "./write_all.ts";

const SMALL = 4 * 1024;
const LARGE = 64 * 1024;

/** Two connections that are joined. Neither promise is rejected. */
export interface Splice {
  /** All that `b` sent was given to `a`, or one of them failed. */
  readonly delivered: Promise<void>;
  /** Both sides have ended and are closed. */
  readonly ended: Promise<void>;
}

/** Copies bytes both ways until both sides have ended, then closes both. */
export function splice(a: Deno.Conn, b: Deno.Conn): Splice {
  const delivered = copy(b, a);
  const ended = Promise.all([copy(a, b), delivered]).then(() => {
    closeQuietly(a);
    closeQuietly(b);
  });
  return { delivered, ended };
}

/** Copies one way. An end is passed on; a failure closes both, since half a tunnel is of no use. */
async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  // An idle tunnel keeps a small buffer; one that fills it gets a large one.
  let buffer = new Uint8Array(SMALL);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) break;
      await writeAll(to, buffer.subarray(0, count));
      if (count === buffer.length && count < LARGE) buffer = new Uint8Array(LARGE);
    }
    await to.closeWrite();
  } catch {
    closeQuietly(from);
    closeQuietly(to);
  }
}
