import assert from "node:assert/strict";
import { Denial, type DenialCode } from "../../../policy/server/denial.ts";
import { JwtVerifier } from "./jwt_verifier.ts";
import { JWKS, JWKS_URL, jwksIssuer, KEYS, NOW, token } from "./testing/issuers.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** An issuer whose key set, clock and faults the test has in its hands. */
class Published {
  text = JWKS;
  fails = false;
  /** Milliseconds since the tokens were made. */
  at = 0;
  fetches = 0;
  /** Fetches wait for it. */
  gate: Promise<void> = Promise.resolve();
  readonly verifier = new JwtVerifier([jwksIssuer()], {
    fetchJwks: async (url) => {
      assert.equal(url, JWKS_URL);
      this.fetches++;
      await this.gate;
      if (this.fails) throw new Denial("ISSUER_UNAVAILABLE", { detail: "it is away" });
      return this.text;
    },
    now: () => NOW * 1000 + this.at,
  });

  /** What comes of a JWT: `ok`, or the code. */
  async try(jwt: string): Promise<"ok" | DenialCode> {
    try {
      await this.verifier.verify(jwt);
      return "ok";
    } catch (error) {
      if (error instanceof Denial) return error.code;
      throw error;
    }
  }
}

const exp = NOW + 24 * 3600;
/** Valid for a day; another each time. */
let made = 0;
const fresh = (kid = "p256", key = KEYS.p256) => token({ header: { kid }, claims: { exp, n: made++ }, key });
const only = (...keys: Record<string, unknown>[]) => JSON.stringify({ keys });
const rotated = only({ ...KEYS.other.publicJwk, kid: "new" });

Deno.test("JwtVerifier fetches keys once for all that ask at a time [S-2.2]", async () => {
  const published = new Published();
  const jwts = await Promise.all(Array.from({ length: 20 }, () => fresh()));
  assert.deepEqual(new Set(await Promise.all(jwts.map((jwt) => published.try(jwt)))), new Set(["ok"]));
  assert.equal(published.fetches, 1);
});

Deno.test("JwtVerifier fetches keys again when they are old, and does not wait for it [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.at = 5 * MINUTE;
  await published.try(await fresh());
  assert.equal(published.fetches, 1);
  published.at = 5 * MINUTE + 1;
  const gate = Promise.withResolvers<void>();
  published.gate = gate.promise;
  assert.equal(await published.try(await fresh()), "ok");
  assert.equal(published.fetches, 2);
  // Older still, it waits.
  published.at = 10 * MINUTE + 1;
  let done = false;
  const waiting = published.try(await fresh()).finally(() => done = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(done, false);
  gate.resolve();
  assert.equal(await waiting, "ok");
  assert.equal(published.fetches, 2);
});

Deno.test("TM-33 a new key is found at once, and an old one is soon refused [S-2.2]", async () => {
  const published = new Published();
  const old = await fresh();
  assert.equal(await published.try(old), "ok");
  published.text = rotated;
  published.at = 31 * SECOND;
  assert.equal(await published.try(await fresh("new", KEYS.other)), "ok");
  assert.equal(published.fetches, 2);
  // Also the one that was verified before: what is held does not outlive its key.
  assert.equal(await published.try(old), "JWT_KEY_UNKNOWN");
});

Deno.test("TM-33 a key that was withdrawn is refused once the keys are old, without an unknown kid [S-2.2]", async () => {
  const published = new Published();
  const old = await fresh();
  assert.equal(await published.try(old), "ok");
  published.text = rotated;
  published.at = 10 * MINUTE + 1;
  assert.equal(await published.try(old), "JWT_KEY_UNKNOWN");
});

Deno.test("TM-33 another key under an old kid is another key [S-2.2]", async () => {
  const published = new Published();
  const old = await fresh();
  assert.equal(await published.try(old), "ok");
  published.text = only({ ...KEYS.other.publicJwk, kid: "p256" });
  published.at = 10 * MINUTE + 1;
  assert.equal(await published.try(old), "JWT_SIGNATURE_INVALID");
});

Deno.test("TM-33 JWTs with random kids make one fetch in 30 s [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  for (const [at, fetches] of [[0, 1], [29_999, 1], [30_000, 2], [59_999, 2], [60_000, 3]] as const) {
    published.at = at;
    const jwts = await Promise.all(Array.from({ length: 10 }, (_, index) => fresh(`random-${at}-${index}`)));
    for (const jwt of jwts) assert.equal(await published.try(jwt), "JWT_KEY_UNKNOWN");
    assert.equal(published.fetches, fetches, `${at}`);
  }
});

Deno.test("TM-33 random kids at the same time share one fetch [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.at = MINUTE;
  const jwts = await Promise.all(Array.from({ length: 50 }, (_, index) => fresh(`random-${index}`)));
  await Promise.all(jwts.map((jwt) => published.try(jwt)));
  assert.equal(published.fetches, 2);
});

Deno.test("TM-33 an issuer that is away keeps its keys for an hour, and makes nobody wait [S-2.2]", async () => {
  const published = new Published();
  const held = await fresh();
  assert.equal(await published.try(held), "ok");
  published.fails = true;
  for (
    const [at, expected] of [
      [6 * MINUTE, "ok"],
      [20 * MINUTE, "ok"],
      [60 * MINUTE, "ok"],
      [60 * MINUTE + 1, "ISSUER_UNAVAILABLE"],
      [90 * MINUTE, "ISSUER_UNAVAILABLE"],
    ] as const
  ) {
    published.at = at;
    assert.equal(await published.try(await fresh()), expected, `${at}`);
    assert.equal(await published.try(held), expected, `held, ${at}`);
  }
  published.fails = false;
  published.at += 6 * SECOND;
  assert.equal(await published.try(held), "ok");
});

Deno.test("while an issuer fails, a callers' token does not wait for it [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.fails = true;
  published.at = 11 * MINUTE;
  await published.try(await fresh());
  published.at = 12 * MINUTE;
  const gate = Promise.withResolvers<void>();
  published.gate = gate.promise;
  assert.equal(await published.try(await fresh()), "ok");
  assert.equal(published.fetches, 3);
  gate.resolve();
});

Deno.test("an issuer that was never reached is asked again after 5 s, and not before [S-2.2]", async () => {
  const published = new Published();
  published.fails = true;
  for (const [at, fetches] of [[0, 1], [1, 1], [4_999, 1], [5_000, 2], [9_999, 2], [10_000, 3]] as const) {
    published.at = at;
    assert.equal(await published.try(await fresh()), "ISSUER_UNAVAILABLE");
    assert.equal(published.fetches, fetches, `${at}`);
  }
  published.fails = false;
  published.at = 15_000;
  assert.equal(await published.try(await fresh()), "ok");
});

Deno.test("while an issuer fails, nobody says that it has no such key [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.fails = true;
  published.at = MINUTE;
  assert.equal(await published.try(await fresh("new", KEYS.other)), "ISSUER_UNAVAILABLE");
  assert.equal(await published.try(await fresh()), "ok");
});

Deno.test("TM-38 while an issuer hangs that failed before, few requests wait for it [S-2.2]", async () => {
  const published = new Published();
  published.fails = true;
  assert.equal(await published.try(await fresh()), "ISSUER_UNAVAILABLE");
  published.at = 5 * SECOND;
  const gate = Promise.withResolvers<void>();
  published.gate = gate.promise;
  published.fails = false;
  const outcomes: string[] = [];
  const jwts = await Promise.all(Array.from({ length: 20 }, () => fresh()));
  const all = Promise.all(jwts.map(async (jwt) => outcomes.push(await published.try(jwt))));
  while (outcomes.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(outcomes, Array(4).fill("ISSUER_UNAVAILABLE"));
  gate.resolve();
  await all;
  assert.deepEqual(outcomes.slice(4), Array(16).fill("ok"));
  assert.equal(published.fetches, 2);
});

Deno.test("TM-33 a key set that cannot be used does not replace the one that is held [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.text = "<html>";
  published.at = 11 * MINUTE;
  assert.equal(await published.try(await fresh()), "ok");
  published.at = 61 * MINUTE;
  assert.equal(await published.try(await fresh()), "ISSUER_UNAVAILABLE");
});

Deno.test("TM-33 a key set without keys is one: its issuer has withdrawn them all [S-2.2]", async () => {
  const published = new Published();
  await published.try(await fresh());
  published.text = only();
  published.at = 11 * MINUTE;
  assert.equal(await published.try(await fresh()), "JWT_KEY_UNKNOWN");
});

Deno.test("a clock that is set back makes keys be fetched again, and stops nothing [S-2.2]", async () => {
  const published = new Published();
  published.at = 10 * MINUTE;
  await published.try(await fresh());
  published.at = 0;
  assert.equal(await published.try(await fresh()), "ok");
  assert.equal(published.fetches, 2);
});

Deno.test("an issuer's fault is said with its reason [S-2.2]", async () => {
  const published = new Published();
  published.fails = true;
  await assert.rejects(published.verifier.verify(await fresh()), { code: "ISSUER_UNAVAILABLE", detail: "it is away" });
});

const USELESS: readonly (readonly [why: string, key: Record<string, unknown>])[] = [
  ["with its private part", { ...KEYS.p256.privateJwk, kid: "p256" }],
  ["that is a shared secret", { kty: "oct", k: "c2VjcmV0", kid: "p256", alg: "HS256" }],
  ["with a shared secret's member", { ...KEYS.p256.publicJwk, kid: "p256", k: "c2VjcmV0" }],
  ["for encryption", { ...KEYS.p256.publicJwk, kid: "p256", use: "enc" }],
  ["for signing only", { ...KEYS.p256.publicJwk, kid: "p256", key_ops: ["sign"] }],
  ["whose operations are a text", { ...KEYS.p256.publicJwk, kid: "p256", key_ops: "verify" }],
  ["of another algorithm", { ...KEYS.p256.publicJwk, kid: "p256", alg: "ES384" }],
  ["of an algorithm that is none", { ...KEYS.p256.publicJwk, kid: "p256", alg: 1 }],
  ["of a curve that is not for signatures here", { ...KEYS.p256.publicJwk, kid: "p256", crv: "secp256k1" }],
  ["of an unknown type", { ...KEYS.p256.publicJwk, kid: "p256", kty: "AKP" }],
  ["whose kid is a number", { ...KEYS.p256.publicJwk, kid: 256 }],
  ["whose coordinate is missing", { ...KEYS.p256.publicJwk, kid: "p256", y: undefined }],
  ["whose coordinate is padded", { ...KEYS.p256.publicJwk, kid: "p256", x: `${KEYS.p256.publicJwk["x"]}=` }],
];
for (const [why, key] of USELESS) {
  Deno.test(`TM-33 a published key ${why} verifies nothing, and hinders no other [S-2.2]`, async () => {
    const published = new Published();
    published.text = only(key, { ...KEYS.other.publicJwk, kid: "good" });
    assert.equal(await published.try(await fresh()), "JWT_KEY_UNKNOWN");
    assert.equal(await published.try(await fresh("good", KEYS.other)), "ok");
  });
}

Deno.test("TM-33 a published key that is not on its curve verifies nothing [S-2.2]", async () => {
  const published = new Published();
  // The platform takes it, and finds no signature of it valid.
  published.text = only({ ...KEYS.p256.publicJwk, kid: "p256", y: KEYS.p256.publicJwk["x"] });
  assert.equal(await published.try(await fresh()), "JWT_SIGNATURE_INVALID");
});

const RSA: readonly (readonly [why: string, jwk: Record<string, unknown>, expected: "ok" | DenialCode])[] = [
  ["of 2048 bits", KEYS.rsa.publicJwk, "ok"],
  ["of 1024 bits", KEYS.weakRsa.publicJwk, "JWT_KEY_UNKNOWN"],
  ["of 1024 bits that is filled with zeros", {
    ...KEYS.weakRsa.publicJwk,
    n: `${"A".repeat(172)}${KEYS.weakRsa.publicJwk["n"]}`,
  }, "JWT_KEY_UNKNOWN"],
  ["of 16384 bits", { ...KEYS.rsa.publicJwk, n: "f".repeat(2728) }, "JWT_KEY_UNKNOWN"],
  ["with the exponent 1", { ...KEYS.rsa.publicJwk, e: "AQ" }, "JWT_KEY_UNKNOWN"],
  ["with an even exponent", { ...KEYS.rsa.publicJwk, e: "AQAA" }, "JWT_KEY_UNKNOWN"],
];
for (const [why, jwk, expected] of RSA) {
  Deno.test(`TM-33 a published RSA key ${why}: ${expected} [S-2.2]`, async () => {
    const published = new Published();
    published.text = only({ ...jwk, kid: "rsa" });
    const key = jwk === KEYS.rsa.publicJwk ? KEYS.rsa : KEYS.weakRsa;
    const jwt = await token({ alg: "RS256", header: { kid: "rsa" }, key });
    assert.equal(await published.try(jwt), expected);
  });
}
