import { AppError } from "../error.ts";

/** The way to a claim, as `map` writes it: names after dots, or any name in brackets and quotation marks. */
export const CLAIM_PATH_PATTERN = `^claims(\\.[A-Za-z0-9_-]+|\\["[^"\\\\]+"\\]|\\['[^'\\\\]+'\\])+$`;

const CLAIM_PATH_REGEXP = new RegExp(CLAIM_PATH_PATTERN);
const PART_REGEXP = /\.([A-Za-z0-9_-]+)|\["([^"\\]+)"\]|\['([^'\\]+)'\]/g;
/** Longer than the path of any claim that an issuer documents. */
const MAX_LENGTH = 256;

/**
 * Reads the path of a claim: `claims.realm_access.roles`, `claims["https://example.com/team"].name`.
 *
 * Lists have no index: a list as a whole is a claim, an item of it is whatever the issuer happens to put there.
 *
 * @returns The names without the leading `claims`; at least one.
 * @throws {AppError} `BUNDLE_ISSUER_INVALID`; the message never holds `text`.
 */
export function parseClaimPath(text: string): readonly string[] {
  // deno-lint-ignore no-control-regex
  if (text.length > MAX_LENGTH || !CLAIM_PATH_REGEXP.test(text) || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new AppError("BUNDLE_ISSUER_INVALID", 'Cannot read claim path: "claims." and names of claims are expected', {
      hints: ['Write for example claims.service_name, claims.realm_access.roles or claims["a.b"].c'],
    });
  }
  return [...text.matchAll(PART_REGEXP)].map(([, plain, double, single]) => (plain ?? double ?? single)!);
}
