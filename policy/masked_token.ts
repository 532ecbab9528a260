import type { Brand } from "./brand.ts";
import { MAX_SEALED_LENGTH, SEALED_PREFIX } from "./sealed_token.ts";

/**
 * What a contained program holds in place of a secret: `kz_masked_` and 32 lower-case hex digits, or what its `shape`
 * says. Printable.
 */
export type MaskedToken = Brand<string, "MaskedToken">;

export const TOKEN_PREFIX = "kz_masked_";
/** 128 bits: never guessed, never derived from the value. */
export const TOKEN_RANDOM_BYTES = 16;
/** Every token without a shape has this length, so that none can stand inside another. */
export const TOKEN_LENGTH = TOKEN_PREFIX.length + 2 * TOKEN_RANDOM_BYTES;

/**
 * Makes a token from random bytes.
 *
 * @param random Exactly 16 bytes from a cryptographic source.
 * @throws {RangeError} if there are not 16.
 */
export function makeMaskedToken(random: Uint8Array): MaskedToken {
  if (random.length !== TOKEN_RANDOM_BYTES) throw new RangeError("Cannot make token: 16 random bytes are expected");
  return TOKEN_PREFIX + Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("") as MaskedToken;
}

/** No token of any shape is longer; those of real services stay below. */
export const MAX_TOKEN_LENGTH = 512;

/**
 * Takes text that was made for a token of another shape.
 *
 * @throws {RangeError} for characters that a URL, a header, a JSON string or a shell would escape, for a beginning that
 * would make an argument an option, and for text under 8 or over 512 characters.
 */
export function maskedTokenOf(text: string): MaskedToken {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{7,511}$/.test(text)) {
    throw new RangeError("Cannot make token: 8 to 512 letters, digits and characters of _.- are expected");
  }
  return text as MaskedToken;
}

/**
 * Takes a token that a team server has sealed, and that was opened.
 *
 * @throws {RangeError} for what is not in the form of one.
 */
export function maskedTokenOfSealed(text: string): MaskedToken {
  const inForm = text.startsWith(SEALED_PREFIX) && text.length <= MAX_SEALED_LENGTH && /^[A-Za-z0-9_-]+$/.test(text);
  if (!inForm) throw new RangeError("Cannot take token: it is not in the form of a sealed one");
  return text as MaskedToken;
}

/** A new expression each call, since a global one keeps state. */
export function tokenRegExp(): RegExp {
  return /kz_masked_[0-9a-f]{32}/g;
}
