import type { Brand } from "../brand.ts";
import { AppError } from "../error.ts";

/** What a caller asks for, for example `github/pat`: canonical, printable, one spelling for each resource. */
export type ResourceRef = Brand<string, "ResourceRef">;

/** A ref, or a glob over refs: `*` stands for any text within a segment, `**` as a whole segment for any segments. */
export type RefPattern = Brand<string, "RefPattern">;

/** Longest ref and pattern. */
const MAX_LENGTH = 256;
/** ASCII without escapes, globs and white space, so that nothing has two spellings (TM-35). */
const SEGMENT_REGEXP = /^[A-Za-z0-9._@:=+-]+$/;
const PATTERN_SEGMENT_REGEXP = /^[A-Za-z0-9._@:=+*-]+$/;

/**
 * Reads a ref as a caller writes it. Nothing is repaired: what is not canonical is refused.
 *
 * @param text Segments of letters, digits and `._@:=+-` with "/" between them; none is "." or ".."; at most 256 characters.
 * @throws {AppError} `RESOURCE_REF_INVALID`; the message never holds `text`.
 */
export function parseResourceRef(text: string): ResourceRef {
  if (text.length > MAX_LENGTH || !text.split("/").every((segment) => isSegment(segment, SEGMENT_REGEXP))) {
    throw new AppError("RESOURCE_REF_INVALID", "Cannot read resource ref: plain segments with slashes are expected", {
      hints: ['Write it as the bundle does, for example "github/pat"'],
    });
  }
  return text as ResourceRef;
}

/**
 * Reads a ref or glob as a bundle writes it.
 *
 * @throws {AppError} `RESOURCE_REF_INVALID`; the message never holds `text`.
 */
export function parseRefPattern(text: string): RefPattern {
  const valid = text.length <= MAX_LENGTH &&
    text.split("/").every((segment) =>
      segment === "**" || (!segment.includes("**") && isSegment(segment, PATTERN_SEGMENT_REGEXP))
    );
  if (!valid) {
    throw new AppError("RESOURCE_REF_INVALID", "Cannot read ref pattern: plain segments, * and ** are expected", {
      hints: ['Write for example "github/pat", "github/*" or "github/**"'],
    });
  }
  return text as RefPattern;
}

function isSegment(segment: string, plain: RegExp): boolean {
  return plain.test(segment) && segment !== "." && segment !== "..";
}

/** Whether a pattern is a glob. */
export function isGlob(pattern: RefPattern): boolean {
  return pattern.includes("*");
}

/** How many characters of a pattern stand before its first `*`: the longest wins. */
export function literalPrefixLength(pattern: RefPattern): number {
  const star = pattern.indexOf("*");
  return star < 0 ? pattern.length : star;
}

/** Whether a ref fits a pattern. `**` stands for no segment as well: `a/**` fits `a` and `a/b/c`. Time is bounded. */
export function matchesRef(pattern: RefPattern, ref: ResourceRef): boolean {
  if (!isGlob(pattern)) return (pattern as string) === ref;
  return matchesSegments(pattern.split("/"), ref.split("/"));
}

/** One row a pattern segment: which lengths of the ref are reached. Linear in the product, whatever the pattern. */
function matchesSegments(pattern: readonly string[], ref: readonly string[]): boolean {
  let reached = new Set([0]);
  for (const segment of pattern) {
    const next = new Set<number>();
    for (const at of reached) {
      if (segment === "**") { for (let to = at; to <= ref.length; to++) next.add(to); }
      else if (at < ref.length && matchesSegment(segment, ref[at]!)) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(ref.length);
}

/** Greedy from star to star, which finds a match if there is one. */
function matchesSegment(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === text;
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
