import type { MaskedToken } from "../../policy/masked_token.ts";
import type { Placement } from "../../policy/placement.ts";
import type { SecretName } from "../../policy/secret_name.ts";

/** The secrets of one AWS identity, by what the contained program holds of them. */
export interface AwsKeys {
  readonly name: SecretName;
  readonly keyId: MaskedToken;
  readonly secretKey: MaskedToken;
  /** Absent for keys that last. */
  readonly sessionToken: MaskedToken | undefined;
  /** Where the operator lets the key id stand; absent if nothing is said: then in a header and in a query. */
  readonly places: readonly Placement[] | undefined;
}

/** The keys of a run, by the token of their key id. A `Map`, since look-ups come from the contained program. */
export type AwsKeyTable = ReadonlyMap<string, AwsKeys>;

/** A secret of the run, as far as pairing goes by it. */
export interface PairableSecret {
  readonly name: SecretName;
  readonly token: MaskedToken;
  readonly in: readonly Placement[];
}

const KEY_ID_REGEXP = /^(.*)ACCESS_KEY_ID$/;

/**
 * Finds which secrets belong together, by their names: `<prefix>ACCESS_KEY_ID`, `<prefix>SECRET_ACCESS_KEY` and, if there
 * is one, `<prefix>SESSION_TOKEN`. The usual prefix is `AWS_`; `PROD_AWS_` or `R2_` do as well.
 *
 * @param secrets Those that are masked whole: a program cannot sign with a part of a value.
 */
export function pairAwsKeys(secrets: readonly PairableSecret[]): AwsKeyTable {
  const byName = new Map<string, PairableSecret>(secrets.map((secret) => [secret.name, secret]));
  const keys = new Map<string, AwsKeys>();
  for (const secret of secrets) {
    const prefix = KEY_ID_REGEXP.exec(secret.name)?.[1];
    const secretKey = prefix === undefined ? undefined : byName.get(`${prefix}SECRET_ACCESS_KEY`);
    if (secretKey === undefined) continue;
    keys.set(secret.token, {
      name: secret.name,
      keyId: secret.token,
      secretKey: secretKey.token,
      sessionToken: byName.get(`${prefix}SESSION_TOKEN`)?.token,
      places: namesPlaces(secret) ? secret.in : undefined,
    });
  }
  return keys;
}

/**
 * Where a secret may stand as it is. One that signs need not stand anywhere, and with no word from the operator does not:
 * in a field of an object, for example, it could be read back (TM-04).
 *
 * @param keys As paired from all secrets of the run.
 */
export function plainPlaces(secret: PairableSecret, keys: AwsKeyTable): readonly Placement[] {
  const signs = [...keys.values()].some(({ keyId, secretKey, sessionToken }) =>
    secret.token === keyId || secret.token === secretKey || secret.token === sessionToken
  );
  return signs && !namesPlaces(secret) ? [] : secret.in;
}

/** Whether `in` says anything but its default, "any header". */
function namesPlaces({ in: places }: PairableSecret): boolean {
  const [first] = places;
  return !(places.length === 1 && first?.kind === "header" && first.name === undefined);
}
