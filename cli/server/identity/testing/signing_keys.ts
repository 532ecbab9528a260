import { Buffer } from "node:buffer";
import type { Algorithm } from "../../../../policy/server/bundle.ts";

/** A key pair of an issuer in a test, with all that an attacker may have of it. */
export interface SigningKey {
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateJwk: Readonly<Record<string, unknown>>;
  readonly publicPem: string;
  readonly publicDer: Uint8Array<ArrayBuffer>;
}

interface Signer {
  readonly import: Parameters<typeof crypto.subtle.importKey>[2];
  readonly sign: Parameters<typeof crypto.subtle.sign>[0];
}

/** Written out here, so that the tests do not sign by what they test. */
const SIGNERS: Readonly<Record<Algorithm, Signer>> = {
  RS256: rsa("RSASSA-PKCS1-v1_5", 256),
  RS384: rsa("RSASSA-PKCS1-v1_5", 384),
  RS512: rsa("RSASSA-PKCS1-v1_5", 512),
  PS256: rsa("RSA-PSS", 256),
  PS384: rsa("RSA-PSS", 384),
  PS512: rsa("RSA-PSS", 512),
  ES256: ecdsa("P-256", 256),
  ES384: ecdsa("P-384", 384),
  EdDSA: { import: { name: "Ed25519" }, sign: { name: "Ed25519" } },
  HS256: hmac(256),
  HS384: hmac(384),
  HS512: hmac(512),
};

function rsa(name: string, bits: number): Signer {
  return { import: { name, hash: `SHA-${bits}` }, sign: { name, saltLength: bits / 8 } };
}

function ecdsa(namedCurve: string, bits: number): Signer {
  return { import: { name: "ECDSA", namedCurve }, sign: { name: "ECDSA", hash: `SHA-${bits}` } };
}

function hmac(bits: number): Signer {
  return { import: { name: "HMAC", hash: `SHA-${bits}` }, sign: { name: "HMAC" } };
}

/** Makes a key pair. */
export async function makeKey(kind: "RSA" | "P-256" | "P-384" | "Ed25519", rsaBits = 2048): Promise<SigningKey> {
  const algorithm = kind === "RSA"
    ? {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength: rsaBits,
      publicExponent: new Uint8Array([1, 0, 1]),
    }
    : kind === "Ed25519"
    ? { name: "Ed25519" }
    : { name: "ECDSA", namedCurve: kind };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const publicDer = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const lines = Buffer.from(publicDer).toString("base64").match(/.{1,64}/g)!.join("\n");
  return {
    publicJwk: material(await crypto.subtle.exportKey("jwk", publicKey)),
    privateJwk: material(await crypto.subtle.exportKey("jwk", privateKey)),
    publicPem: `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`,
    publicDer,
  };
}

function material({ alg: _alg, key_ops: _operations, ext: _ext, ...rest }: JsonWebKey): Record<string, unknown> {
  return { ...rest };
}

/** Signs any bytes, whatever a JWT may hold. */
export async function signBytes(
  bytes: Uint8Array<ArrayBuffer>,
  algorithm: Algorithm,
  key: SigningKey | Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const { import: parameters, sign } = SIGNERS[algorithm];
  const imported = key instanceof Uint8Array
    ? await crypto.subtle.importKey("raw", key, parameters, false, ["sign"])
    : await crypto.subtle.importKey("jwk", key.privateJwk, parameters, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(sign, imported, bytes));
}

export function base64Url(part: string | Uint8Array): string {
  return Buffer.from(part).toString("base64url");
}

/** A JWT of texts, as they are. */
export async function signTexts(
  texts: { readonly header: string; readonly payload: string },
  algorithm: Algorithm,
  key: SigningKey | Uint8Array<ArrayBuffer>,
): Promise<string> {
  const input = `${base64Url(texts.header)}.${base64Url(texts.payload)}`;
  return `${input}.${base64Url(await signBytes(new TextEncoder().encode(input), algorithm, key))}`;
}
