import { concat } from "../../proxy/concat.ts";
import { encodeLatin1 } from "../../proxy/http/latin1.ts";
import type { Random } from "./random.ts";

/** Bytes that parsers treat in a way of their own. */
const EDGES = [0, 9, 10, 13, 32, 34, 37, 38, 44, 45, 47, 48, 58, 59, 61, 63, 64, 92, 127, 128, 160, 255];
/** Longer inputs find nothing more and are slow. */
const MAX_BYTES = 4096;

/** What a mutation draws from. */
export interface MutationSource {
  readonly random: Random;
  readonly dictionary: readonly Uint8Array[];
  /** Another input, to be spliced in. */
  readonly other: Uint8Array;
}

/** Changes an input at one to four places. */
export function mutate(input: Uint8Array, source: MutationSource): Uint8Array {
  let bytes = input;
  for (let left = 1 + source.random.below(4); left > 0; left--) bytes = mutateOnce(bytes, source);
  return bytes.subarray(0, MAX_BYTES);
}

function mutateOnce(bytes: Uint8Array, { random, dictionary, other }: MutationSource): Uint8Array {
  const at = random.below(bytes.length + 1);
  const run = 1 + random.below(8);
  const around = (middle: Uint8Array, dropped: number) =>
    concat(bytes.subarray(0, at), middle, bytes.subarray(at + dropped));
  switch (random.below(8)) {
    case 0:
      return around(Uint8Array.of(random.below(256)), 1);
    case 1:
      return around(Uint8Array.of(random.pick(EDGES)), 1);
    case 2:
      return around(Uint8Array.of(random.pick(EDGES)), 0);
    case 3:
      return around(new Uint8Array(0), run);
    case 4:
      // Twice the same.
      return around(bytes.subarray(at, at + run), 0);
    case 5:
      return around(Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.below(8))), 1);
    case 6: {
      const from = random.below(other.length + 1);
      return around(other.subarray(from, from + 4 * run), random.below(2) * run);
    }
    default:
      return dictionary.length === 0 ? bytes : around(random.pick(dictionary), random.below(2) * run);
  }
}

export function dictionaryBytes(words: readonly string[]): Uint8Array[] {
  return words.map(encodeLatin1);
}
