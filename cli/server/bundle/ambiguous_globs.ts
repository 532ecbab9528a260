import { patternsOverlap } from "../../../policy/server/patterns_overlap.ts";
import { isGlob, literalPrefixLength, type RefPattern } from "../../../policy/server/resource_ref.ts";

/** Two globs of which neither comes first, and that can match the same ref. */
export interface AmbiguousPair {
  readonly first: number;
  readonly second: number;
}

/**
 * Finds globs with the same text before the first `*` that can match one ref: the longest such text decides between
 * resources, so that between these their order does.
 *
 * @returns Indexes into `patterns`, for each glob at most the first that it overlaps.
 */
export function findAmbiguousGlobs(patterns: readonly RefPattern[]): readonly AmbiguousPair[] {
  const earlier = new Map<string, number[]>();
  const pairs: AmbiguousPair[] = [];
  for (const [second, pattern] of patterns.entries()) {
    if (!isGlob(pattern)) continue;
    const prefix = pattern.slice(0, literalPrefixLength(pattern));
    const others = earlier.get(prefix) ?? [];
    const first = others.find((index) => patternsOverlap(patterns[index]!, pattern));
    if (first !== undefined) pairs.push({ first, second });
    earlier.set(prefix, [...others, second]);
  }
  return pairs;
}
