import { concatAll } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import type { BodySyntax } from "../minted/response_minter.ts";
import { Refusal } from "../refusal.ts";
import type { BodyPieces } from "./decoded_pieces.ts";

/** A short body, or what has come of one that is long or streams. */
export interface GatheredBody {
  /** What has come, all of it where there is no `rest`. */
  readonly bytes: Uint8Array;
  /** The body from its beginning. */
  readonly rest: BodyPieces | undefined;
}

/**
 * Waits a moment for a body to be whole, so that a short one can be searched as a whole. A watch that answers in JSON, piece
 * by piece for hours, goes on after that moment.
 *
 * @throws {Refusal} `PROXY_UPSTREAM_INVALID` for a form that is too long: one is not looked at in pieces.
 */
export async function gatherShort(body: BodyPieces, syntax: BodySyntax): Promise<GatheredBody> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let late = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = syntax === "form" ? undefined : new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late = true;
      resolve();
    }, LIMITS.mintedWholeMs);
  });
  try {
    while (size <= LIMITS.wholeBodyBytes) {
      const next = body.next();
      // It is waited for later, unless the client goes away.
      next.catch(() => {});
      const piece = passed === undefined ? await next : await Promise.race([next, passed]);
      if (late) return { bytes: concatAll(parts), rest: from(parts, body, next) };
      if (!(piece instanceof Uint8Array)) return { bytes: concatAll(parts), rest: undefined };
      size += piece.length;
      parts.push(piece.slice());
    }
  } finally {
    clearTimeout(timer);
  }
  if (syntax === "form") throw new Refusal("PROXY_UPSTREAM_INVALID", { detail: "its form is too long" });
  return { bytes: concatAll(parts), rest: from(parts, body) };
}

/** What was gathered, then the piece that is awaited already, then all others. */
function from(parts: readonly Uint8Array[], body: BodyPieces, awaited?: Promise<Uint8Array | undefined>): BodyPieces {
  const whole = concatAll(parts);
  const queue = [...whole.length > 0 ? [whole] : [], ...awaited === undefined ? [] : [awaited]];
  let at = 0;
  return { next: async () => at < queue.length ? await queue[at++] : await body.next() };
}
