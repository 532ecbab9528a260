import { Buffer } from "node:buffer";
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { AppError } from "../../../policy/error.ts";
import type { Algorithm } from "../../../policy/server/bundle.ts";

/** Members of a JWK that hold private or symmetric key material (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2). */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/** The members that make a public key; the others are dropped. */
const PUBLIC_MEMBERS = ["kty", "crv", "x", "y", "n", "e"];
/** RFC 7518 §3.3 */
const MIN_RSA_BITS = 2048;
/** Longer keys make a signature cost the verifier more than the signer. */
const MAX_RSA_BITS = 8192;
const WRITE_PUBLIC = 'Write the public key; "openssl pkey -pubout" makes it of a private one';

/**
 * Checks a public key in PEM (RFC 7468 §13) for one algorithm.
 *
 * @returns The key in its usual form.
 * @throws {AppError} `BUNDLE_KEY_INVALID`; the message never holds `text`, and a private key is named as what it is.
 */
export function checkPem(text: string, alg: Algorithm): string {
  if (/PRIVATE KEY/.test(text)) {
    throw invalid("this is a private key, which whoever reads the bundle could sign with", [WRITE_PUBLIC]);
  }
  const [, body] = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(text) ?? [];
  if (body === undefined || text.length > 16_384) {
    throw invalid('one public key in PEM form ("BEGIN PUBLIC KEY") is expected', [WRITE_PUBLIC]);
  }
  const key = importKey(() => createPublicKey({ key: Buffer.from(body, "base64"), format: "der", type: "spki" }));
  checkFits(key, alg);
  return String(key.export({ format: "pem", type: "spki" }));
}

/**
 * Checks a public JWK (RFC 7517) for one algorithm.
 *
 * @returns Its public members alone.
 * @throws {AppError} `BUNDLE_KEY_INVALID`; the message never holds a member.
 */
export function checkJwk(jwk: Readonly<Record<string, unknown>>, alg: Algorithm): Readonly<Record<string, string>> {
  if (jwk["kty"] === "oct" || PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    throw invalid("this is a private or symmetric key, which whoever reads the bundle could sign with", [
      "Write the public members only; a key of HS goes into a file that secret_file names",
    ]);
  }
  const says = (member: string, ...allowed: unknown[]) => !Object.hasOwn(jwk, member) || allowed.includes(jwk[member]);
  const operations = jwk["key_ops"];
  if (
    !says("alg", alg) || !says("use", "sig") ||
    (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify")))
  ) {
    throw invalid("the JWK says that it is for something else");
  }
  const members: JsonWebKey & Record<string, string> = {};
  for (const name of PUBLIC_MEMBERS) {
    const member = jwk[name];
    if (member === undefined) continue;
    // Strict base64url (RFC 7515 §2): a lenient reader would give one key several spellings.
    if (typeof member !== "string" || member.length > 4096 || !/^[A-Za-z0-9_-]+$/.test(member)) {
      throw invalid("the JWK has a member that is not base64url text");
    }
    members[name] = member;
  }
  checkFits(importKey(() => createPublicKey({ key: members, format: "jwk" })), alg);
  return members;
}

function importKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    // The cause is left out: its text may quote the key.
    throw invalid("the key cannot be read");
  }
}

/** @throws {AppError} `BUNDLE_KEY_INVALID` unless the algorithm works with this type and size of key (RFC 7518 §3). */
function checkFits(key: KeyObject, alg: Algorithm): void {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (/^[RP]S/.test(alg)) {
    if (type !== "rsa") throw invalid(`"${alg}" needs an RSA key`);
    if (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS) {
      throw invalid(`an RSA key has from ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`);
    }
  } else if (alg === "ES256" || alg === "ES384") {
    const curve = alg === "ES256" ? "P-256" : "P-384";
    // As a JWK names it: the key's details say it differently from one version of the runtime to another.
    if (type !== "ec" || key.export({ format: "jwk" }).crv !== curve) {
      throw invalid(`"${alg}" needs a key on the curve ${curve}`);
    }
  } else if (alg !== "EdDSA") {
    throw invalid(`"${alg}" needs a secret in a file, which secret_file names`);
  } else if (type !== "ed25519") throw invalid(`"${alg}" needs a key on the curve Ed25519`);
}

function invalid(state: string, hints: readonly string[] = []): AppError {
  return new AppError("BUNDLE_KEY_INVALID", `Cannot read key: ${state}`, { hints });
}
