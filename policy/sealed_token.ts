/** What a team server's masked tokens begin with; the digit is the version of their form. */
export const SEALED_PREFIX = "KZ_TOK_1";

/** What the passwords of a team server's proxy begin with. */
export const PASS_PREFIX = "KZ_PRX_1";

/** Longest token and pass, in characters: a subject of 512 characters of three bytes, and the longest ref and issuer. */
export const MAX_SEALED_LENGTH = 4096;

/** Finds what looks like a sealed token, as far as its characters go on. A new expression each call. */
export function sealedTokenRegExp(): RegExp {
  return /KZ_TOK_1[A-Za-z0-9_-]*/g;
}
