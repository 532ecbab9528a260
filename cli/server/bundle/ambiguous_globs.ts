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
    const first = others.find((index) => overlap(patterns[index]!.split("/"), pattern.split("/")));
    if (first !== undefined) pairs.push({ first, second });
    earlier.set(prefix, [...others, second]);
  }
  return pairs;
}

/** Whether some list matches both patterns, where `**` stands for any items and the rest is compared by `item`. */
function sharesMatch<T>(a: readonly T[], b: readonly T[], { isStar, item }: Steps<T>): boolean {
  // One row for each beginning of `a`: whether it and each beginning of `b` can match the same list.
  let row = starPrefix(b, isStar);
  for (const left of a) {
    const next = [row[0]! && isStar(left)];
    for (const [j, right] of b.entries()) {
      // A star matches nothing, or one item more: that which the other side ends with.
      next.push(isStar(left) || isStar(right) ? row[j + 1]! || next[j]! : row[j]! && item(left, right));
    }
    row = next;
  }
  return row[b.length]!;
}

interface Steps<T> {
  readonly isStar: (value: T) => boolean;
  readonly item: (a: T, b: T) => boolean;
}

function starPrefix<T>(pattern: readonly T[], isStar: (value: T) => boolean): boolean[] {
  const row = [true];
  for (const value of pattern) row.push(row.at(-1)! && isStar(value));
  return row;
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  return sharesMatch(a, b, {
    isStar: (segment) => segment === "**",
    item: (left, right) =>
      sharesMatch([...left], [...right], { isStar: (char) => char === "*", item: (one, other) => one === other }),
  });
}
