import { createHash } from "node:crypto";
import { compactVerify, errors } from "jose";
import { AppError } from "../../../policy/error.ts";
import { type Algorithm, ALGORITHMS, type Issuer } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import { checkValidity, isValidAt, readRegisteredClaims, type Validity } from "./check_claims.ts";
import { type CompactJws, MAX_JWT_CHARACTERS, parseCompactJws } from "./compact_jws.ts";
import { type KeySource, keySource, type KeySourceOptions } from "./issuer_keys.ts";
import type { KeyWanted } from "./key_set.ts";
import { mapIdentity } from "./map_identity.ts";
import { RecentResults } from "./recent_results.ts";
import { isSymmetric, type VerificationKey } from "./verification_key.ts";

/** Who calls, and until when the JWT says so. */
export interface VerifiedJwt {
  /** Frozen: it is shared by all requests with this JWT. */
  readonly identity: Identity;
  /** `exp`, in milliseconds since the epoch. Within the leeway of 60 s it may have passed. */
  readonly expiresAt: number;
}

/** An issuer with its keys. */
interface Trusted {
  readonly issuer: Issuer;
  readonly keys: KeySource;
  readonly algorithms: ReadonlySet<Algorithm>;
}

/** A JWT that was found valid, with what that rests on. */
interface Verified extends VerifiedJwt {
  readonly trusted: Trusted;
  readonly wanted: KeyWanted;
  readonly fingerprint: string;
  readonly validity: Validity;
}

/**
 * Verifies JWTs against the issuers of a bundle (RFC 7519, RFC 8725). A new bundle takes a new one.
 *
 * The issuer is found by `iss`, character for character; the algorithm must be one of that issuer's, and the key one that
 * is for it. Only then is the signature verified, and after it the claims. A result is held by the SHA-256 of the JWT, and
 * holds only as long as a fresh verification would come to it: its times are looked at again, and whether its issuer still
 * has the key. What was refused is not held.
 */
export class JwtVerifier {
  readonly #trusted: ReadonlyMap<string, Trusted>;
  readonly #now: () => number;
  readonly #recent = new RecentResults<Verified>();
  readonly #verifying = new Map<string, Promise<Verified>>();

  /** @throws {AppError} `BUNDLE_ISSUER_INVALID` for two issuers with one `issuerUrl`. */
  constructor(issuers: readonly Issuer[], options: KeySourceOptions) {
    this.#trusted = new Map(issuers.map((issuer) => [issuer.issuerUrl, trust(issuer, options)]));
    this.#now = options.now;
    if (this.#trusted.size < issuers.length) {
      throw new AppError("BUNDLE_ISSUER_INVALID", "Cannot use issuers: two have the same issuer_url");
    }
  }

  /**
   * Verifies a JWT. Verifications of the same one at the same time are one.
   *
   * @param jwt As it came.
   * @throws {Denial} `JWT_…` or `ISSUER_UNAVAILABLE`. Nothing of the JWT is in it.
   */
  async verify(jwt: string): Promise<VerifiedJwt> {
    // Before anything is done with it that takes time.
    if (jwt.length > MAX_JWT_CHARACTERS) throw new Denial("JWT_MALFORMED", { detail: "it is too long" });
    // Here and now: WebCrypto would hand it to another thread, which takes some times as long as the hash.
    const digest = createHash("sha256").update(jwt).digest("base64");
    const held = this.#recent.get(digest);
    if (held !== undefined) {
      if (await this.#holds(held)) return result(held);
      // What is wrong with it now, a fresh verification says.
      this.#recent.delete(digest);
    }
    const verifying = this.#verifying.get(digest) ?? this.#verifyOnce(jwt, digest);
    return result(await verifying);
  }

  #verifyOnce(jwt: string, digest: string): Promise<Verified> {
    const verifying = this.#verify(jwt)
      .then((verified) => {
        this.#recent.set(digest, verified, jwt.length);
        return verified;
      })
      .finally(() => this.#verifying.delete(digest));
    this.#verifying.set(digest, verifying);
    return verifying;
  }

  /** Whether a fresh verification would come to the same. */
  async #holds({ trusted, wanted, fingerprint, validity }: Verified): Promise<boolean> {
    if (!isValidAt(validity, this.#now())) return false;
    const choice = await trusted.keys.choose(wanted);
    return choice.kind === "key" && choice.key.fingerprint === fingerprint;
  }

  async #verify(jwt: string): Promise<Verified> {
    const jws = parseCompactJws(jwt);
    const trusted = this.#issuerOf(jws);
    const wanted = { kid: jws.kid, algorithm: acceptedAlgorithm(jws, trusted) };
    const key = await keyFor(wanted, trusted);
    await verifySignature(jwt, key, wanted.algorithm);
    const { issuer } = trusted;
    const { subject, ...validity } = readRegisteredClaims(jws.claims, issuer.audiences);
    checkValidity(validity, this.#now());
    return {
      identity: deepFreeze(mapIdentity(issuer, subject, jws.claims)),
      expiresAt: Math.floor(validity.expiresAt * 1000),
      trusted,
      wanted,
      fingerprint: key.fingerprint,
      validity,
    };
  }

  #issuerOf({ claims }: CompactJws): Trusted {
    const issuer = Object.hasOwn(claims, "iss") ? claims["iss"] : undefined;
    const trusted = typeof issuer === "string" ? this.#trusted.get(issuer) : undefined;
    if (trusted === undefined) throw new Denial("JWT_ISSUER_UNKNOWN");
    return trusted;
  }
}

function trust(issuer: Issuer, options: KeySourceOptions): Trusted {
  const { keys } = issuer;
  const algorithms = keys.kind === "static"
    ? keys.keys.map(({ alg }) => alg)
    // What everybody may read is no shared secret.
    : keys.algorithms.filter((algorithm) => !isSymmetric(algorithm));
  return { issuer, keys: keySource(keys, options), algorithms: new Set(algorithms) };
}

function acceptedAlgorithm({ algorithm }: CompactJws, { algorithms }: Trusted): Algorithm {
  const accepted = ALGORITHMS.find((known) => known === algorithm);
  if (accepted === undefined || !algorithms.has(accepted)) throw new Denial("JWT_ALGORITHM_REFUSED");
  return accepted;
}

async function keyFor(wanted: KeyWanted, { keys }: Trusted): Promise<VerificationKey> {
  const choice = await keys.choose(wanted);
  switch (choice.kind) {
    case "key":
      return choice.key;
    case "other-algorithm":
      throw new Denial("JWT_ALGORITHM_REFUSED", { detail: "the key that it names is for another algorithm" });
    case "unknown":
      throw new Denial("JWT_KEY_UNKNOWN", {
        detail: wanted.kid === undefined
          ? "it names no key, and not exactly one of its issuer's fits"
          : choice.ambiguous
          ? "its issuer has several keys of this name"
          : "its issuer has no key of this name",
      });
  }
}

async function verifySignature(jwt: string, key: VerificationKey, algorithm: Algorithm): Promise<void> {
  let imported: CryptoKey | Uint8Array;
  try {
    imported = await key.for(algorithm);
  } catch {
    // A JWKS may hold what looks like a key and is none, such as a point that is not on its curve.
    throw new Denial("JWT_KEY_UNKNOWN", { detail: "the key that it names cannot be used" });
  }
  try {
    await compactVerify(jwt, imported, { algorithms: [algorithm] });
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) throw new Denial("JWT_SIGNATURE_INVALID");
    throw new Denial("JWT_MALFORMED", { detail: "it cannot be verified" });
  }
}

function result({ identity, expiresAt }: Verified): VerifiedJwt {
  return { identity, expiresAt };
}

/** JSON is a tree, and its depth is bounded. */
function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === "object" && member !== null) deepFreeze(member);
  return Object.freeze(value);
}
