import { AppError } from "./error.ts";
import { DEFAULT_PLACEMENTS, type Placement, pointer } from "./placement.ts";
import { parseTokenShape, type TokenShape } from "./token_shape.ts";

/**
 * Fields in which token endpoints hand out credentials, at whatever depth: OAuth and OpenID Connect (RFC 6749 §5.1, OpenID
 * Connect Core §3.1.3.3), the same in the spelling of JSON APIs, and HashiCorp Vault's. They mean nothing else anywhere.
 *
 * A `device_code` (RFC 8628) is not among them: it is nothing before a person agrees, and what it is exchanged for is.
 */
export const MINTED_FIELDS: readonly string[] = [
  "access_token",
  "refresh_token",
  "id_token",
  "accessToken",
  "refreshToken",
  "idToken",
  "client_token",
];

/**
 * A field that hands out a credential where it stands beside a time of expiry, as GitHub's, Docker's and Kubernetes' do:
 * alone it may be anything.
 */
export const EXPIRING_FIELD = "token";

/** A time of expiry, by its field's name. */
export const EXPIRY_REGEXP = /^expir(?:es?|y|ation|ed)(?:_?[A-Za-z]{1,16})?$/;

/** Names of {@linkcode EXPIRY_REGEXP} that are searched for where they may stand before the token. */
export const EXPIRY_FIELDS: readonly string[] = [
  "expires",
  "expires_at",
  "expires_in",
  "expires_on",
  "expiresAt",
  "expiresIn",
  "expiresOn",
  "expiration",
  "expirationTimestamp",
  "expireTime",
];

/**
 * Reads one entry of `mints`.
 *
 * @param text A field's name, 5 to 64 characters.
 * @throws {AppError} `CONFIG_NAME_INVALID`; the message never holds `text`.
 */
export function parseMintedField(text: string): string {
  if (MINTED_FIELD_REGEXP.test(text)) return text;
  throw new AppError(
    "CONFIG_NAME_INVALID",
    "Cannot read field: 5 to 64 letters, digits and characters of _.- are expected",
    {
      hints: ['Write the name of a field of the answer, for example mints = ["access_token"]; an empty list for none'],
    },
  );
}

const MINTED_FIELD_REGEXP = /^[A-Za-z_][A-Za-z0-9_.-]{4,63}$/;
/** What {@linkcode parseMintedField} reads, for the JSON Schema of the configuration. */
export const MINTED_FIELD_PATTERN = MINTED_FIELD_REGEXP.source;

/**
 * Where in a request a minted credential may stand: in a header; what renews others in the body's field of its name, and
 * nowhere else; what the operator named in both.
 */
export function mintedPlacements(field: string): readonly Placement[] {
  const inBody: Placement = { kind: "body", field: pointer([field]) };
  if (/^refresh_?token$/i.test(field)) return [inBody];
  if (MINTED_FIELDS.includes(field) || field === EXPIRING_FIELD) return DEFAULT_PLACEMENTS;
  return [...DEFAULT_PLACEMENTS, inBody];
}

const JWT_REGEXP = /^eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** What the token of a minted credential has to look like: as a JWT for programs that read one (RFC 7519). */
export function mintedShape(value: string): TokenShape | undefined {
  return JWT_REGEXP.test(value) ? parseTokenShape("jwt") : undefined;
}

/** Credentials are longer, and words and headings are shorter or have no digit. */
const MIN_SEARCHED = 16;
/** Longer ones do not fit into a header of most servers; the search holds back as much. */
const MAX_SEARCHED = 8 * 1024;

/**
 * Whether a minted value is looked for wherever it comes again. A host that mints a common word must not have that
 * replaced in all that other hosts say.
 */
export function isSearchedValue(value: string): boolean {
  return value.length >= MIN_SEARCHED && value.length <= MAX_SEARCHED && /^[\x21-\x7e]*$/.test(value) &&
    /\d/.test(value);
}
