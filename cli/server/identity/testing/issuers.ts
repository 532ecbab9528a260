import type { Algorithm, Issuer, StaticKey } from "../../../../policy/server/bundle.ts";
import { makeKey, type SigningKey, signTexts } from "./signing_keys.ts";

/** When all tokens of the tests were made, in seconds since the epoch. */
export const NOW = 1_800_000_000;
export const JWKS_URL = "https://issuer.test/keys";

/** The keys of the tests' issuers, and some that nobody trusts. */
export const KEYS = {
  rsa: await makeKey("RSA"),
  p256: await makeKey("P-256"),
  p384: await makeKey("P-384"),
  ed25519: await makeKey("Ed25519"),
  /** Of the second issuer. */
  other: await makeKey("P-256"),
  attacker: await makeKey("P-256"),
  attackerRsa: await makeKey("RSA"),
  weakRsa: await makeKey("RSA", 1024),
} as const satisfies Record<string, SigningKey>;

export const SECRET = crypto.getRandomValues(new Uint8Array(64));

/** What `https://issuer.test/keys` publishes. `rsa` may be used with all RSA algorithms, `rs256` with one. */
export const JWKS = JSON.stringify({
  keys: [
    { ...KEYS.rsa.publicJwk, kid: "rsa", use: "sig" },
    { ...KEYS.p256.publicJwk, kid: "p256", use: "sig", alg: "ES256" },
    { ...KEYS.p384.publicJwk, kid: "p384", alg: "ES384" },
    { ...KEYS.ed25519.publicJwk, kid: "ed25519", alg: "EdDSA" },
  ],
});

export const ASYMMETRIC: readonly Algorithm[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "EdDSA",
];

export function jwksIssuer(changes: Partial<Issuer> = {}): Issuer {
  return {
    name: "main",
    type: "custom",
    issuerUrl: "https://issuer.test",
    audiences: ["keyzero"],
    map: new Map([["service", ["service_name"]], ["groups", ["groups"]]]),
    keys: { kind: "jwks", url: JWKS_URL, allowPrivate: false, algorithms: ASYMMETRIC },
    ...changes,
  };
}

export function staticIssuer(keys: readonly StaticKey[], changes: Partial<Issuer> = {}): Issuer {
  return jwksIssuer({ keys: { kind: "static", keys }, ...changes });
}

/** Besides the main one: one with a key of its own, one with shared secrets, one for every audience, and others. */
export const ISSUERS: readonly Issuer[] = [
  jwksIssuer(),
  staticIssuer([
    { kid: "other", alg: "ES256", material: { kind: "pem", pem: KEYS.other.publicPem } },
  ], { name: "second", issuerUrl: "https://second.test/" }),
  staticIssuer([
    { kid: "h256", alg: "HS256", material: { kind: "secret", bytes: SECRET.subarray(0, 32) } },
    { kid: "h384", alg: "HS384", material: { kind: "secret", bytes: SECRET.subarray(0, 48) } },
    { kid: "h512", alg: "HS512", material: { kind: "secret", bytes: SECRET } },
    { kid: "rsa-pem", alg: "RS256", material: { kind: "pem", pem: KEYS.rsa.publicPem } },
  ], { name: "shared", issuerUrl: "https://shared.test" }),
  staticIssuer([
    { kid: "a", alg: "ES256", material: { kind: "pem", pem: KEYS.p256.publicPem } },
    { kid: "b", alg: "ES256", material: { kind: "pem", pem: KEYS.other.publicPem } },
    { kid: "twice", alg: "ES256", material: { kind: "pem", pem: KEYS.p256.publicPem } },
    { kid: "twice", alg: "ES256", material: { kind: "pem", pem: KEYS.other.publicPem } },
    { kid: "twice", alg: "ES384", material: { kind: "pem", pem: KEYS.p384.publicPem } },
  ], { name: "several", issuerUrl: "https://several.test" }),
  staticIssuer([
    { kid: undefined, alg: "ES256", material: { kind: "pem", pem: KEYS.p256.publicPem } },
  ], { name: "unnamed", issuerUrl: "https://unnamed.test" }),
  jwksIssuer({ name: "any-audience", issuerUrl: "https://any.test", audiences: undefined }),
];

export const CLAIMS = {
  iss: "https://issuer.test",
  sub: "service:agent",
  aud: "keyzero",
  exp: NOW + 300,
  iat: NOW,
  service_name: "agent",
  groups: ["dev", "ops"],
} as const;

export interface TokenParts {
  readonly alg?: Algorithm;
  /** In place of `alg` in the header. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey | Uint8Array<ArrayBuffer>;
}

/** A valid token of the main issuer by ES256, with changes. A claim or member that is undefined is left out. */
export function token({ alg = "ES256", header = {}, claims = {}, key = KEYS.p256 }: TokenParts = {}): Promise<string> {
  return signTexts(
    {
      header: JSON.stringify({ alg, typ: "JWT", kid: "p256", ...header }),
      payload: JSON.stringify({ ...CLAIMS, ...claims }),
    },
    alg,
    key,
  );
}
