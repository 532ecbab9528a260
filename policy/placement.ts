import { AppError } from "./error.ts";

/** A place in a request where a secret may stand. */
export type Placement =
  /** Any header but those of {@linkcode NEVER_SWAPPED}, Basic authentication included. */
  | { readonly kind: "header" }
  /** One header, by its lower-case name, also one of {@linkcode NEVER_SWAPPED}. */
  | { readonly kind: "header"; readonly name: string };

export const DEFAULT_PLACEMENTS: readonly Placement[] = [{ kind: "header" }];

/** Headers that servers log, echo or forward; a secret goes there only by name (TM-04). */
export const NEVER_SWAPPED: ReadonlySet<string> = new Set([
  "cookie",
  "host",
  "referer",
  "origin",
  "user-agent",
  "via",
  "forwarded",
]);

/** A field name: RFC 9110 §5.1, a token of §5.6.2. */
export const HEADER_NAME_REGEXP = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Reads one entry of `in`.
 *
 * @param text `header`, or `header:<name>`.
 * @throws {AppError} `CONFIG_PLACEMENT_INVALID`; the message never holds `text`.
 */
export function parsePlacement(text: string): Placement {
  if (text === "header") return { kind: "header" };
  const name = /^header:(.+)$/.exec(text)?.[1];
  if (name === undefined || !HEADER_NAME_REGEXP.test(name)) {
    throw new AppError("CONFIG_PLACEMENT_INVALID", 'Cannot read placement: "header" or "header:<name>" is expected', {
      hints: [
        'Write for example in = ["header:X-Api-Key"]; other places in a request are not carried out yet and are refused',
      ],
    });
  }
  return { kind: "header", name: name.toLowerCase() };
}

/** Whether a secret with these placements may stand in the header `name` (lower case). */
export function mayStandInHeader(placements: readonly Placement[], name: string): boolean {
  return placements.some((place) =>
    "name" in place ? place.name === name : !NEVER_SWAPPED.has(name) && !name.startsWith("x-forwarded-")
  );
}
