import type { Algorithm } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { MAX_JWKS_BYTES } from "../../../proxy/jwks/protocol.ts";
import { isObject } from "./compact_jws.ts";
import { KeySet } from "./key_set.ts";
import { parseStrictJson } from "./strict_json.ts";
import { isSymmetric, readJwk } from "./verification_key.ts";

/** Large issuers publish some ten. */
const MAX_KEYS = 100;

/**
 * Reads a JWK Set (RFC 7517 §5). Keys that are not for verifying with `algorithms` are passed over: of other types, for
 * encryption, weak, shared, and private ones, which everybody knows by now.
 *
 * @throws {Denial} `ISSUER_UNAVAILABLE` for what is no key set, or too large a one.
 */
export function parseJwks(text: string, algorithms: readonly Algorithm[]): KeySet {
  if (text.length > MAX_JWKS_BYTES) throw unusable("it is too long");
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch {
    throw unusable("it is not JSON with one meaning");
  }
  const keys = isObject(value) && Object.hasOwn(value, "keys") ? value["keys"] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) throw unusable('it has no list "keys"');
  if (keys.length > MAX_KEYS) throw unusable(`it has more than ${MAX_KEYS} keys`);
  const asymmetric = algorithms.filter((algorithm) => !isSymmetric(algorithm));
  return new KeySet(keys.map((jwk) => readJwk(jwk, asymmetric)).filter((key) => key !== undefined));
}

function unusable(state: string): Denial {
  return new Denial("ISSUER_UNAVAILABLE", { detail: `the key set cannot be used: ${state}` });
}
