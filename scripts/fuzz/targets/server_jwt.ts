import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { JwtVerifier } from "../../../cli/server/identity/jwt_verifier.ts";
import type { Algorithm, Issuer } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** Milliseconds. */
const NOW = 1_800_000_000_000;
const ISSUER = "https://issuer.test";
/** Of a pair that signs nothing here: what an attacker would take for a shared secret. */
const PUBLIC_PEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEV/Qm6Q38RoPgbSdu4n6rKYtxWCDJ
FPdUD1s9UjEA6XuOM0tYYsr/9mT664VL2+bXZfcVuHkiyAo9IHrUx1Q3Dg==
-----END PUBLIC KEY-----
`;
const SECRET = new Uint8Array(64).fill(0x5a);

const secretKey = (kid: string, alg: Algorithm) => ({ kid, alg, material: { kind: "secret", bytes: SECRET } }) as const;
const issuer: Issuer = {
  name: "main",
  type: "custom",
  issuerUrl: ISSUER,
  audiences: ["keyzero"],
  map: new Map([["service", ["service_name"]]]),
  keys: {
    kind: "static",
    keys: [
      secretKey("h256", "HS256"),
      secretKey("h512", "HS512"),
      { kid: "p256", alg: "ES256", material: { kind: "pem", pem: PUBLIC_PEM } },
    ],
  },
};

const base64Url = (text: string) => Buffer.from(text).toString("base64url");
const signed = (header: string, payload: string, key: Uint8Array | string = SECRET) => {
  const input = `${base64Url(header)}.${base64Url(payload)}`;
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
};
const claims = (more: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({ iss: ISSUER, aud: "keyzero", sub: "agent", exp: NOW / 1000 + 600, service_name: "ci", ...more });

const HEADER = '{"alg":"HS256","kid":"h256"}';
const GOOD: readonly string[] = [signed(HEADER, claims()), signed(HEADER, claims({ sub: "another" }))];

const HEADERS = [
  HEADER,
  '{"alg":"none"}',
  '{"alg":"None","kid":"h256"}',
  '{"alg":"HS512","kid":"h256"}',
  '{"alg":"HS256","kid":"p256"}',
  '{"alg":"ES256","kid":"p256"}',
  '{"alg":"HS256","kid":"h256","alg":"none"}',
  '{"alg":"HS256","kid":"h256","jwk":{"kty":"oct","k":""}}',
  '{"alg":"HS256","kid":"h256","crit":["exp"]}',
  '{"alg":"HS256","kid":"h256","b64":false}',
  '{"alg":"HS256","kid":"__proto__"}',
  '{"alg":"__proto__","kid":"h256"}',
  '{"alg":["HS256"],"kid":"h256"}',
  "[]",
  "null",
];
const PAYLOADS = [
  claims(),
  claims({ sub: "root" }),
  claims({ exp: 0 }),
  claims({ exp: 1e300 }),
  claims({ iss: `${ISSUER}/` }),
  claims({ aud: [] }),
  claims({ aud: { keyzero: 1 } }),
  claims({ sub: { toString: "agent" } }),
  claims().replace("{", '{"iss":"https://evil.test",'),
];
/** Headers and claims that nobody signed, or who has only the public key; and good ones. */
const tokens = fc.oneof(
  fc.constantFrom(...GOOD),
  fc.tuple(fc.constantFrom(...HEADERS), fc.constantFrom(...PAYLOADS), fc.constantFrom(...GOOD, "..", "..AA"))
    .map(([header, payload, good]) => `${base64Url(header)}.${base64Url(payload)}.${good.split(".")[2]}`),
  fc.tuple(
    fc.constantFrom(...HEADERS),
    fc.constantFrom(...PAYLOADS),
    fc.constantFrom(PUBLIC_PEM, "", new Uint8Array(64)),
  )
    .map(([header, payload, key]) => signed(header, payload, key)),
);

/** Results are held: one verifier sees them all, as that of a server does. */
const verifier = new JwtVerifier([issuer], { fetchJwks: () => Promise.reject(new Error("unused")), now: () => NOW });

/** TM-33: what the issuer did not sign, byte for byte, is never believed, and is refused by a denial that repeats none of it. */
export const jwt: FuzzTarget = {
  name: "jwt",
  inputs: tokens.map(encodeLatin1),
  dictionary: [".", "..", "=", "-", "_", "+", "/", " ", "\n", "eyJ", "AA", base64Url(HEADERS[1]!), base64Url(claims())],
  async check(input) {
    const text = decodeLatin1(input);
    try {
      const { identity } = await verifier.verify(text);
      assert.ok(GOOD.includes(text), "what was not signed is believed");
      assert.equal(identity.service, "ci");
      return true;
    } catch (error) {
      assert.ok(error instanceof Denial && /^JWT_/.test(error.code), String(error));
      assert.ok(!GOOD.includes(text), "what was signed is refused");
      const told = `${error.message} ${error.detail ?? ""}`;
      for (const part of text.split(".")) assert.ok(part.length < 16 || !told.includes(part));
      return false;
    }
  },
};
