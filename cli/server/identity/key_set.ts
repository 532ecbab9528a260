import type { Algorithm } from "../../../policy/server/bundle.ts";
import type { VerificationKey } from "./verification_key.ts";

/** What a token asks for. */
export interface KeyWanted {
  readonly kid: string | undefined;
  readonly algorithm: Algorithm;
}

/** A key, or why there is none. */
export type KeyChoice =
  | { readonly kind: "key"; readonly key: VerificationKey }
  /** The set has no key of that name, or, for a token that names none, not exactly one that fits. */
  | { readonly kind: "unknown"; readonly ambiguous: boolean }
  /** It has one of that name, for other algorithms. */
  | { readonly kind: "other-algorithm" };

/** The keys of an issuer at one time. Exactly one must fit a token: none is tried in the hope that it does. */
export class KeySet {
  readonly keys: readonly VerificationKey[];
  readonly #byKid = new Map<string, VerificationKey[]>();

  constructor(keys: readonly VerificationKey[]) {
    this.keys = keys;
    for (const key of keys) {
      if (key.kid === undefined) continue;
      const named = this.#byKid.get(key.kid) ?? [];
      named.push(key);
      this.#byKid.set(key.kid, named);
    }
  }

  /**
   * The one key that fits. A key has one name for each of its algorithms (RFC 7517 §4.5 allows a name for keys of several
   * types); a token that names no key is verified where there is no choice.
   */
  choose({ kid, algorithm }: KeyWanted): KeyChoice {
    const candidates = kid === undefined ? this.keys : this.#byKid.get(kid) ?? [];
    const [key, ...others] = candidates.filter(({ algorithms }) => algorithms.has(algorithm));
    if (key !== undefined && others.length === 0) return { kind: "key", key };
    if (key === undefined && kid !== undefined && candidates.length > 0) return { kind: "other-algorithm" };
    return { kind: "unknown", ambiguous: key !== undefined };
  }
}
