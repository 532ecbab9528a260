import { literalPrefixLength, type RefPattern } from "./resource_ref.ts";

/** Whether some ref fits both patterns. */
export function patternsOverlap(a: RefPattern, b: RefPattern): boolean {
  const [left, right] = [literalText(a), literalText(b)];
  if (!left.startsWith(right) && !right.startsWith(left)) return false;
  return sharesMatch(a.split("/"), b.split("/"), { isStar: (segment) => segment === "**", fits: segmentsOverlap });
}

/** What every ref that fits begins with; `a/**` fits `a` too. */
export function literalText(pattern: RefPattern): string {
  const text = pattern.slice(0, literalPrefixLength(pattern));
  return text === pattern ? text : text.replace(/\/$/, "");
}

function segmentsOverlap(a: string, b: string): boolean {
  return sharesMatch([...a], [...b], { isStar: (char) => char === "*", fits: (one, other) => one === other });
}

/** Whether some list fits both patterns, where a star stands for any items. Linear in the product of their lengths. */
function sharesMatch<T>(
  a: readonly T[],
  b: readonly T[],
  { isStar, fits }: { isStar: (item: T) => boolean; fits: (a: T, b: T) => boolean },
): boolean {
  // One row for each beginning of `a`: whether it and each beginning of `b` can fit the same list.
  let row = [true];
  for (const item of b) row.push(row.at(-1) === true && isStar(item));
  for (const left of a) {
    const next = [row[0] === true && isStar(left)];
    for (const [j, right] of b.entries()) {
      const skips = row[j + 1] === true || next[j] === true;
      next.push(isStar(left) || isStar(right) ? skips : row[j] === true && fits(left, right));
    }
    row = next;
  }
  return row[b.length] === true;
}
