import { concat } from "../../proxy/concat.ts";

/** Tries are bounded, since a check may be slow. */
const MAX_TRIES = 4000;
const PLAIN = "a".charCodeAt(0);

/** Makes a failing input small: leaves runs of bytes out, then makes the bytes that do not matter an "a". */
export async function minimise(
  input: Uint8Array,
  fails: (input: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  const better = async (candidate: Uint8Array) => {
    if (++tries > MAX_TRIES || !await fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let run = Math.ceil(best.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < best.length;) {
      if (!await better(concat(best.subarray(0, at), best.subarray(at + run)))) at += run;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] !== PLAIN) await better(concat(best.subarray(0, at), Uint8Array.of(PLAIN), best.subarray(at + 1)));
  }
  return best;
}
