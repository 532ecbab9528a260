import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  calculateJwkThumbprint,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  importPKCS8,
  type JWK,
} from "jose";
import { AppError } from "../../../policy/error.ts";
import { type Algorithm, ALGORITHMS } from "../../../policy/server/bundle.ts";
import { algorithmsOf, leastSecretBytes } from "./verification_key.ts";

// Keys that sign: for `kz jwt`, to try a server out. The server itself has none.

/** 128 bits of strength (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3072;
/** More than the longest hash; in base64url it is text, which files and editors keep as it is. */
const SECRET_BYTES = 64;

/** A new key: what is kept, and what a bundle may know of it. */
export interface NewKey {
  /** PKCS#8 in PEM, or the secret as text; with a line break at its end. */
  readonly file: string;
  /** SPKI in PEM; undefined for a shared secret. */
  readonly publicPem: string | undefined;
  /** RFC 7638; undefined for a shared secret, of which it would be a hash. */
  readonly thumbprint: string | undefined;
}

/** Makes a key for an algorithm. */
export async function makeSigningKey(algorithm: Algorithm): Promise<NewKey> {
  if (leastSecretBytes(algorithm) !== undefined) {
    const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");
    return { file: `${secret}\n`, publicPem: undefined, thumbprint: undefined };
  }
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_BITS });
  return {
    file: `${await exportPKCS8(privateKey)}\n`,
    publicPem: `${await exportSPKI(publicKey)}\n`,
    thumbprint: await calculateJwkThumbprint(await exportJWK(publicKey)),
  };
}

/** What a JWT is signed with. */
export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly key: CryptoKey | Uint8Array;
  /** RFC 7638; undefined for a shared secret. */
  readonly thumbprint: string | undefined;
}

/**
 * Reads a private key in PEM, or a shared secret.
 *
 * @param content Of the file. A secret's line break at its end does not count, as in a bundle.
 * @param asked An algorithm; undefined: the first that the key is for.
 * @throws {AppError} `JWT_KEY_UNUSABLE`; nothing of the content is in it.
 */
export async function readSigningKey(content: Uint8Array, asked: Algorithm | undefined): Promise<SigningKey> {
  const text = new TextDecoder().decode(content);
  if (!text.includes("-----BEGIN ")) return secretKey(content, asked);
  const { privatePem, publicJwk } = await takeApart(text);
  const fitting = algorithmsOf(publicJwk.kty, publicJwk.crv);
  const algorithm = asked ?? fitting[0];
  if (algorithm === undefined || !fitting.includes(algorithm)) {
    throw unusable(algorithm === undefined ? "it is for no algorithm of ours" : `it is not for ${algorithm}`, [
      fitting.length === 0 ? 'Make one with "kz jwt keygen"' : `It is for ${fitting.join(", ")}`,
    ]);
  }
  try {
    return {
      algorithm,
      key: await importPKCS8(privatePem, algorithm),
      thumbprint: await calculateJwkThumbprint(publicJwk),
    };
  } catch {
    throw unusable("the key cannot be read");
  }
}

/** Any unencrypted form of a private key, as PKCS#8; what the platform says of it may hold a part of it. */
async function takeApart(text: string): Promise<{ privatePem: string; publicJwk: JWK }> {
  if (/-----BEGIN (?:PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----/.test(text)) {
    throw unusable("it is a public key, which only verifies", ["Name the file with the private key"]);
  }
  if (/ENCRYPTED/.test(text)) {
    throw unusable("it is encrypted", ["Decrypt it first: openssl pkey -in KEY.pem -out PLAIN.pem"]);
  }
  try {
    const key = createPrivateKey(text);
    return {
      privatePem: String(key.export({ format: "pem", type: "pkcs8" })),
      publicJwk: await exportJWK(createPublicKey(key)),
    };
  } catch {
    throw unusable("it is no private key in PEM form", ['Make one with "kz jwt keygen"']);
  }
}

function secretKey(content: Uint8Array, asked: Algorithm | undefined): SigningKey {
  const algorithm = asked ?? "HS256";
  const least = leastSecretBytes(algorithm);
  if (least === undefined) throw unusable(`it is no private key in PEM form, which ${algorithm} takes`);
  const end = content.at(-1) !== 0x0a
    ? content.length
    : content.at(-2) === 0x0d
    ? content.length - 2
    : content.length - 1;
  const key = content.slice(0, end);
  if (key.length < least) throw unusable(`a shared secret for ${algorithm} has at least ${least} bytes`);
  return { algorithm, key, thumbprint: undefined };
}

/** @throws {AppError} `USAGE_INVALID`; the message never holds `text`. */
export function parseAlgorithm(text: string): Algorithm {
  const algorithm = ALGORITHMS.find((known) => known === text);
  if (algorithm !== undefined) return algorithm;
  throw new AppError("USAGE_INVALID", "Cannot read --alg: there is no such algorithm", {
    hints: [`One of ${ALGORITHMS.join(", ")}`],
  });
}

function unusable(state: string, hints: readonly string[] = []): AppError {
  return new AppError("JWT_KEY_UNUSABLE", `Cannot use key: ${state}`, { hints });
}
