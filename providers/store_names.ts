/** The variable that holds the passphrase. */
export const PASSPHRASE_VARIABLE = "KEYZERO_PASSPHRASE";

/** Where the key of a store may be kept: the option `identity`. */
export const IDENTITY_PLACES = ["auto", "keychain", "file", "passphrase"] as const;
export type IdentityPlace = typeof IDENTITY_PLACES[number];

/** A store's identity when it is kept in a file. */
export function identityPath(storePath: string): string {
  return `${storePath}.identity`;
}
