/** What a policy may ask of a caller besides its issuer, groups and claims. */
export const IDENTITY_FIELDS = ["org", "service", "env", "action", "branch", "actor"] as const;
export type IdentityField = typeof IDENTITY_FIELDS[number];

/** Who calls, as a verified JWT says it and its issuer's `map` names it. Every text may come from the caller's side. */
export interface Identity extends Readonly<Record<IdentityField, string>> {
  /** The issuer's name in the bundle; never what the token says. */
  readonly issuer: string;
  /** The claim `sub`. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** All claims of the token, as JSON. */
  readonly claims: Readonly<Record<string, unknown>>;
}
