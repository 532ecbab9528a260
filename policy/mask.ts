import { AppError } from "./error.ts";
import type { MaskedToken } from "./masked_token.ts";

/** How much of a value a token replaces. */
export type Mask =
  | { readonly kind: "auto" }
  | { readonly kind: "whole" }
  /** The expression's first group is masked. */
  | { readonly kind: "group"; readonly regexp: RegExp };

/** What the child sees, and what its token stands for. */
export interface MaskedValue {
  /** The value with its secret part replaced by the token. */
  readonly text: string;
  /** What the token is swapped for: the secret part, percent-decoded where it stood in a URL. */
  readonly real: string;
}

/**
 * Reads a `mask` as written in a configuration file.
 *
 * @param text `auto`, `whole`, or a regular expression with a group, written between slashes.
 * @throws {AppError} `CONFIG_MASK_INVALID`; the message never holds `text`.
 */
export function parseMask(text: string): Mask {
  if (text === "auto" || text === "whole") return { kind: text };
  const source = /^\/(.+)\/$/s.exec(text)?.[1];
  const regexp = source === undefined ? undefined : compile(source);
  // An alternative that matches the empty string shows how many groups there are.
  if (regexp === undefined || new RegExp(`${regexp.source}|`).exec("")!.length < 2) {
    throw new AppError("CONFIG_MASK_INVALID", "Cannot read mask: the expression is not valid or has no group", {
      hints: ['Write "auto", "whole", or an expression whose first group is the secret, for example "/password=(.*)/"'],
    });
  }
  return { kind: "group", regexp };
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source, "su");
  } catch {
    return undefined;
  }
}

/**
 * Replaces the secret part of a value by its token.
 *
 * With `auto`, a URL with a password keeps all but the password (RFC 3986 §3.2.1); anything else is masked whole. A
 * value that the expression of a `group` mask does not match is masked whole: doubt hides more, not less.
 */
export function maskValue(value: string, mask: Mask, token: MaskedToken): MaskedValue {
  const whole = { text: token, real: value };
  if (mask.kind === "whole") return whole;
  if (mask.kind === "group") {
    const match = new RegExp(mask.regexp.source, mask.regexp.flags + "d").exec(value);
    const span = match?.indices?.[1];
    if (span === undefined || span[0] === span[1]) return whole;
    return { text: value.slice(0, span[0]) + token + value.slice(span[1]), real: value.slice(span[0], span[1]) };
  }
  const password = urlPassword(value);
  if (password === undefined) return whole;
  const [start, end] = password;
  const real = percentDecoded(value.slice(start, end));
  return real === undefined ? whole : { text: value.slice(0, start) + token + value.slice(end), real };
}

/**
 * The span of the password in `scheme://user:password@host…`; undefined if there is none, it is empty, or it is not
 * certain where it ends. Drivers accept "@" and "/" unescaped in a password, so that an "@" behind the authority may
 * belong to it; then nothing of the URL may be shown.
 */
function urlPassword(value: string): readonly [number, number] | undefined {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0];
  if (scheme === undefined || /\s/.test(value)) return undefined;
  const authority = /^[^/?#\\]*/.exec(value.slice(scheme.length))![0];
  const at = authority.lastIndexOf("@");
  const colon = authority.indexOf(":");
  if (at < 0 || colon < 0 || colon > at || colon + 1 === at) return undefined;
  if (value.includes("@", scheme.length + authority.length)) return undefined;
  return [scheme.length + colon + 1, scheme.length + at];
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
