/** Texts longer than this are not compared: no valid name is as long, and the cost grows with the length. */
const MAX_LENGTH = 64;

/**
 * The valid name that `text` most likely stands for.
 *
 * @param text Untrusted; it is compared only and never part of the result.
 * @returns Undefined when no name is near: at most a third of its letters may differ, and at most three.
 */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of names) {
    const limit = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
    const distance = editDistance(text.toLowerCase(), name.toLowerCase());
    if (distance <= limit && distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Letters to insert, remove or replace to turn one text into the other (Wagner–Fischer). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
