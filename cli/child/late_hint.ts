import type { ChildEnd } from "./run_child.ts";

/** A program that misses a variable fails at its start; what fails later has other reasons (design section 5.4). */
export const EARLY_END_MS = 10_000;
/** More names than this are counted and not listed: the hint is one line. */
const LISTED_NAMES = 8;
/** A longer name is not listed: two of them would fill the line. */
const NAME_REGEXP = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** HUP, INT, PIPE and TERM: somebody ended the program, or its reader went away; no variable was missed. */
const ENDED_FROM_OUTSIDE: ReadonlySet<number> = new Set([129, 130, 141, 143]);

/**
 * What to tell the operator of a child in a clean environment that failed at once.
 *
 * @param withheld Names of the caller's variables that the child did not get. Their values are never asked for.
 * @returns One line without "hint:"; undefined if the child succeeded, ran for ten seconds, was ended from outside, or
 *   got everything.
 */
export function lateHint(withheld: readonly string[], end: ChildEnd): string | undefined {
  if (end.status === 0 || end.durationMs >= EARLY_END_MS || ENDED_FROM_OUTSIDE.has(end.status)) return undefined;
  if (withheld.length === 0) return undefined;
  const listed = withheld.filter((name) => NAME_REGEXP.test(name)).toSorted().slice(0, LISTED_NAMES);
  const more = withheld.length - listed.length;
  const names = more === 0 ? listed.join(", ") : [...listed, `and ${more} more`].join(", ");
  return `Use --keep-env NAME if the program needs a variable that it did not get: ${names}`;
}
