import { Buffer } from "node:buffer";
import { importJWK, importSPKI } from "jose";
import { AppError } from "../../../policy/error.ts";
import { type Algorithm, ALGORITHMS, type StaticKey } from "../../../policy/server/bundle.ts";

/** What signatures are verified with, once it has been imported for an algorithm. */
export type ImportedKey = CryptoKey | Uint8Array;

/** A key of an issuer. It works with its own algorithms and no other, whatever a token says. */
export class VerificationKey {
  readonly kid: string | undefined;
  /** At least one, of one family. */
  readonly algorithms: ReadonlySet<Algorithm>;
  /** Equal for two keys that are one. */
  readonly fingerprint: string;
  readonly #import: (algorithm: Algorithm) => Promise<ImportedKey>;
  readonly #imported = new Map<Algorithm, Promise<ImportedKey>>();

  constructor(parts: {
    kid: string | undefined;
    algorithms: readonly Algorithm[];
    fingerprint: string;
    import: (algorithm: Algorithm) => Promise<ImportedKey>;
  }) {
    this.kid = parts.kid;
    this.algorithms = new Set(parts.algorithms);
    this.fingerprint = parts.fingerprint;
    this.#import = parts.import;
  }

  /**
   * The key for one of its algorithms.
   *
   * @throws What the import throws, for material that is no key of that algorithm, or a weak one.
   */
  for(algorithm: Algorithm): Promise<ImportedKey> {
    if (!this.algorithms.has(algorithm)) throw new RangeError("Cannot use key: it is for other algorithms");
    const imported = this.#imported.get(algorithm) ?? this.#import(algorithm);
    this.#imported.set(algorithm, imported);
    return imported;
  }
}

/** Algorithms of shared secrets (RFC 7518 §3.2), with the least bytes that a secret must have. */
const SECRET_BYTES: ReadonlyMap<Algorithm, number> = new Map([["HS256", 32], ["HS384", 48], ["HS512", 64]]);

export function isSymmetric(algorithm: Algorithm): boolean {
  return SECRET_BYTES.has(algorithm);
}

/** The length of the shortest secret that an algorithm takes; undefined for one of key pairs. */
export function leastSecretBytes(algorithm: Algorithm): number | undefined {
  return SECRET_BYTES.get(algorithm);
}

/** The algorithms of ours that a type of key fits: the type alone, never what a token or the key itself says. */
export function algorithmsOf(kty: unknown, crv: unknown): readonly Algorithm[] {
  if (kty === "RSA") return ALGORITHMS.filter((algorithm) => /^[RP]S/.test(algorithm));
  if (kty === "EC" && crv === "P-256") return ["ES256"];
  if (kty === "EC" && crv === "P-384") return ["ES384"];
  return kty === "OKP" && crv === "Ed25519" ? ["EdDSA"] : [];
}

/** Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2). */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] as const;

/** Whether a JWK gives away more than a public key. */
export function isPrivateJwk(jwk: Readonly<Record<string, unknown>>): boolean {
  return PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name));
}

/** RSA below is within reach of factoring (RFC 7518 §3.3); beyond, one verification is a load. */
const RSA_BITS = { least: 2048, most: 8192 };
const MAX_KID_CHARACTERS = 256;

/**
 * Reads a public JWK (RFC 7517 §4).
 *
 * @param allowed The algorithms that the issuer's keys may be used with.
 * @returns Undefined for a key that does not verify signatures here: private or shared, weak, for encryption, of another
 * type or algorithm, or not in its plain form.
 */
export function readJwk(
  jwk: Readonly<Record<string, unknown>>,
  allowed: readonly Algorithm[],
): VerificationKey | undefined {
  const { kty, crv, use, alg, kid, key_ops: operations } = jwk;
  if (isPrivateJwk(jwk)) return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  if (kid !== undefined && !(typeof kid === "string" && kid !== "" && kid.length <= MAX_KID_CHARACTERS)) {
    return undefined;
  }
  const algorithms = algorithmsOf(kty, crv).filter((one) =>
    allowed.includes(one) && (alg === undefined || alg === one)
  );
  const material = publicMembers(jwk);
  if (algorithms.length === 0 || material === undefined) return undefined;
  return new VerificationKey({
    kid,
    algorithms,
    fingerprint: JSON.stringify([kid ?? null, algorithms, material]),
    // Only the public members are handed over, so that nothing else of the JWK has a meaning.
    import: async (algorithm) => checked(await importJWK({ ...material }, algorithm)),
  });
}

/** The members that make the key, each in its one spelling. */
function publicMembers({ kty, crv, n, e, x, y }: Readonly<Record<string, unknown>>): JsonWebKey | undefined {
  if (kty === "RSA" && isBase64Url(n) && isBase64Url(e)) return isStrongRsa(n, e) ? { kty, n, e } : undefined;
  if (kty === "EC" && typeof crv === "string" && isBase64Url(x) && isBase64Url(y)) return { kty, crv, x, y };
  return kty === "OKP" && typeof crv === "string" && isBase64Url(x) ? { kty, crv, x } : undefined;
}

function isBase64Url(text: unknown): text is string {
  return typeof text === "string" && text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;
}

function isStrongRsa(n: string, e: string): boolean {
  const bits = bitLength(Buffer.from(n, "base64url"));
  const exponent = Buffer.from(e, "base64url");
  // With the exponent 1 every message is its own signature.
  const soundExponent = bitLength(exponent) >= 2 && (exponent.at(-1)! & 1) === 1;
  return bits >= RSA_BITS.least && bits <= RSA_BITS.most && soundExponent;
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first]!) + 24;
}

/** Looks at the imported key itself, which is what verifies. */
function checked(key: ImportedKey): ImportedKey {
  if (key instanceof Uint8Array) throw new TypeError("Cannot use key: it is a shared secret");
  const details: KeyAlgorithm & { modulusLength?: unknown; publicExponent?: unknown } = key.algorithm;
  const { modulusLength, publicExponent } = details;
  if (/^RSA/.test(details.name)) {
    const sound = typeof modulusLength === "number" && modulusLength >= RSA_BITS.least &&
      modulusLength <= RSA_BITS.most && publicExponent instanceof Uint8Array && bitLength(publicExponent) >= 2;
    if (!sound) throw new TypeError("Cannot use key: its size is not acceptable");
  }
  return key;
}

const PEM_REGEXP = /^-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----$/;
/** A public key as an HMAC secret is what an attacker has as well. */
const PUBLIC_TEXT_REGEXP = /-----BEGIN |"kty"\s*:|^ssh-/;

/**
 * Reads a key of the bundle and imports it, so that what is wrong with it shows at once.
 *
 * @throws {AppError} `BUNDLE_KEY_INVALID`; nothing of the key is in it.
 */
export async function importStaticKey(key: StaticKey): Promise<VerificationKey> {
  const read = readStaticKey(key);
  try {
    await read.for(key.alg);
  } catch {
    // What the platform says may hold a part of the key.
    throw invalid(`it is no sound public key for ${key.alg}`, [
      "RSA keys have 2048 to 8192 bits, ES256 is P-256, ES384 is P-384, EdDSA is Ed25519",
    ]);
  }
  return read;
}

function readStaticKey({ kid, alg, material }: StaticKey): VerificationKey {
  const leastBytes = SECRET_BYTES.get(alg);
  if ((leastBytes !== undefined) !== (material.kind === "secret")) {
    throw invalid(`${alg} takes ${leastBytes === undefined ? "a public key" : "a shared secret of random bytes"}`);
  }
  switch (material.kind) {
    case "secret": {
      const { bytes } = material;
      if (bytes.length < leastBytes!) throw invalid(`the secret is shorter than ${leastBytes} bytes`);
      if (PUBLIC_TEXT_REGEXP.test(new TextDecoder().decode(bytes.subarray(0, 512)))) {
        throw invalid("the shared secret is a public text, such as a public key");
      }
      return staticKey(kid, alg, { import: () => Promise.resolve(bytes), fingerprint: "" });
    }
    case "pem": {
      const pem = material.pem.trim();
      if (/PRIVATE KEY/.test(pem)) throw invalid("it is a private key, which must not stand here");
      if (!PEM_REGEXP.test(pem)) {
        throw invalid('one PEM block "PUBLIC KEY" is expected', [
          "Write it with: openssl pkey -in KEY.pem -pubout",
        ]);
      }
      return staticKey(kid, alg, { import: async () => checked(await importSPKI(pem, alg)), fingerprint: pem });
    }
    case "jwk": {
      if (isPrivateJwk(material.jwk)) throw invalid("the JWK is a private key, which must not stand here");
      const read = readJwk(material.jwk, [alg]);
      if (read === undefined) throw invalid(`the JWK is not for verifying ${alg}`);
      const named = material.jwk["kid"];
      if (kid !== undefined && named !== undefined && kid !== named) throw invalid("the JWK has another kid");
      return staticKey(kid ?? read.kid, alg, { import: () => read.for(alg), fingerprint: read.fingerprint });
    }
  }
}

function staticKey(
  kid: string | undefined,
  alg: Algorithm,
  { import: load, fingerprint }: { import: () => Promise<ImportedKey>; fingerprint: string },
): VerificationKey {
  // The keys of a bundle never change while it is in force.
  return new VerificationKey({
    kid,
    algorithms: [alg],
    fingerprint: JSON.stringify(["static", kid ?? null, alg, fingerprint]),
    import: load,
  });
}

function invalid(state: string, hints: readonly string[] = []): AppError {
  return new AppError("BUNDLE_KEY_INVALID", `Cannot use key: ${state}`, { hints });
}
