import assert from "node:assert/strict";
import { AppError } from "../../../policy/error.ts";
import type { StaticKey } from "../../../policy/server/bundle.ts";
import { KEYS } from "./testing/issuers.ts";
import { importStaticKey } from "./verification_key.ts";

const CANARY = "canary-4471-not-for-any-message";
const bytes = (length: number) => new Uint8Array(length).fill(7);
const text = (value: string) => new TextEncoder().encode(value);
const pem = (alg: StaticKey["alg"], value: string): StaticKey => ({
  kid: "k",
  alg,
  material: { kind: "pem", pem: value },
});
const jwk = (alg: StaticKey["alg"], value: Record<string, unknown>, kid?: string): StaticKey => ({
  kid,
  alg,
  material: { kind: "jwk", jwk: value },
});
const secret = (alg: StaticKey["alg"], value: Uint8Array): StaticKey => ({
  kid: "k",
  alg,
  material: { kind: "secret", bytes: value },
});

const GOOD: readonly (readonly [why: string, key: StaticKey])[] = [
  ["an RSA key in PEM for RS256", pem("RS256", KEYS.rsa.publicPem)],
  ["an RSA key in PEM for PS512", pem("PS512", KEYS.rsa.publicPem)],
  ["a PEM with CR LF and space around it", pem("ES256", `\r\n${KEYS.p256.publicPem.replaceAll("\n", "\r\n")}\n `)],
  ["a P-384 key for ES384", pem("ES384", KEYS.p384.publicPem)],
  ["an Ed25519 key for EdDSA", pem("EdDSA", KEYS.ed25519.publicPem)],
  ["a JWK", jwk("ES256", { ...KEYS.p256.publicJwk, kid: "k" })],
  ["a JWK with the same kid beside it", jwk("ES256", { ...KEYS.p256.publicJwk, kid: "k" }, "k")],
  ["a secret of 32 bytes for HS256", secret("HS256", bytes(32))],
  ["a secret of 48 bytes for HS384", secret("HS384", bytes(48))],
  ["a secret of 64 bytes for HS512", secret("HS512", bytes(64))],
];
for (const [why, key] of GOOD) {
  Deno.test(`importStaticKey() takes ${why} [S-2.5]`, async () => {
    const imported = await importStaticKey(key);
    assert.equal(imported.kid, "k");
    assert.deepEqual([...imported.algorithms], [key.alg]);
  });
}

const privatePem = `-----BEGIN PRIVATE KEY-----\n${btoa(CANARY)}\n-----END PRIVATE KEY-----\n`;
const BAD: readonly (readonly [why: string, key: StaticKey, state?: RegExp])[] = [
  ["an RSA key of 1024 bits", pem("RS256", KEYS.weakRsa.publicPem)],
  ["an RSA JWK of 1024 bits", jwk("RS256", KEYS.weakRsa.publicJwk)],
  ["an RSA key for ES256", pem("ES256", KEYS.rsa.publicPem)],
  ["a P-256 key for RS256", pem("RS256", KEYS.p256.publicPem)],
  ["a P-384 key for ES256", pem("ES256", KEYS.p384.publicPem)],
  ["a P-384 JWK for ES256", jwk("ES256", KEYS.p384.publicJwk)],
  ["an Ed25519 key for ES256", pem("ES256", KEYS.ed25519.publicPem)],
  ["a public key in PEM for HS256", pem("HS256", KEYS.rsa.publicPem)],
  ["a public key's text as the secret", secret("HS256", text(KEYS.rsa.publicPem))],
  ["a JWK's text as the secret", secret("HS256", text(JSON.stringify(KEYS.rsa.publicJwk)))],
  ["a shared secret for RS256", secret("RS256", bytes(64))],
  ["a secret of 31 bytes for HS256", secret("HS256", bytes(31))],
  ["a secret of 47 bytes for HS384", secret("HS384", bytes(47))],
  ["a secret of 63 bytes for HS512", secret("HS512", bytes(63))],
  ["an empty secret", secret("HS256", bytes(0))],
  ["a private key", pem("ES256", privatePem), /it is a private key/],
  ["a private key after a public one", pem("ES256", KEYS.p256.publicPem + privatePem), /it is a private key/],
  ["two public keys", pem("ES256", KEYS.p256.publicPem + KEYS.other.publicPem), /one PEM block/],
  ["a certificate", pem("ES256", KEYS.p256.publicPem.replaceAll("PUBLIC KEY", "CERTIFICATE"))],
  ["the old form of an RSA key", pem("RS256", KEYS.rsa.publicPem.replaceAll("PUBLIC KEY", "RSA PUBLIC KEY"))],
  ["a text before the PEM", pem("ES256", `${CANARY}\n${KEYS.p256.publicPem}`)],
  ["a PEM of nothing", pem("ES256", `-----BEGIN PUBLIC KEY-----\n${btoa(CANARY)}\n-----END PUBLIC KEY-----`)],
  ["no PEM", pem("ES256", CANARY)],
  ["a private JWK", jwk("ES256", KEYS.p256.privateJwk)],
  ["a shared JWK", jwk("HS256", { kty: "oct", k: btoa(CANARY) })],
  ["a JWK of another algorithm", jwk("RS256", { ...KEYS.rsa.publicJwk, alg: "RS512" })],
  ["a JWK for encryption", jwk("RS256", { ...KEYS.rsa.publicJwk, use: "enc" })],
  ["a JWK with another kid than beside it", jwk("ES256", { ...KEYS.p256.publicJwk, kid: "x" }, "k")],
];
for (const [why, key, state = /./] of BAD) {
  Deno.test(`TM-33 importStaticKey() refuses ${why} [S-2.5]`, async () => {
    await assert.rejects(importStaticKey(key), (error) => {
      assert.ok(error instanceof AppError, String(error));
      assert.equal(error.code, "BUNDLE_KEY_INVALID");
      assert.match(error.message, state);
      const said = `${error.message} ${error.hints.join(" ")} ${Deno.inspect(error)}`;
      assert.ok(!said.includes(CANARY) && !said.includes(btoa(CANARY)));
      return true;
    });
  });
}
