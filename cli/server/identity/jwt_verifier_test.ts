import assert from "node:assert/strict";
import { AppError } from "../../../policy/error.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { JwtVerifier } from "./jwt_verifier.ts";
import { ISSUERS, JWKS, jwksIssuer, KEYS, NOW, staticIssuer, token } from "./testing/issuers.ts";

/** A verifier with a clock in seconds after the tokens were made. */
function verifierAt(clock: { at: number }): JwtVerifier {
  return new JwtVerifier(ISSUERS, { fetchJwks: () => Promise.resolve(JWKS), now: () => (NOW + clock.at) * 1000 });
}

Deno.test("JwtVerifier gives the same identity for the same JWT, and none that can be changed [S-2.4]", async () => {
  const verifier = verifierAt({ at: 0 });
  const jwt = await token({ claims: { more: { deep: ["x"] } } });
  const [first, together, later] = [...await Promise.all([verifier.verify(jwt), verifier.verify(jwt)])]
    .concat(await verifier.verify(jwt));
  assert.equal(first?.identity, together?.identity);
  assert.equal(first?.identity, later?.identity);
  assert.throws(() => Object.assign(first!.identity, { subject: "admin" }), TypeError);
  assert.throws(() => Object.assign(first!.identity.claims, { sub: "admin" }), TypeError);
  assert.throws(() => (first!.identity.groups as string[]).push("admin"), TypeError);
  assert.throws(() => (first!.identity.claims["more"] as { deep: string[] }).deep.push("y"), TypeError);
});

Deno.test("TM-33 what is held of a JWT ends when a fresh verification would refuse it [S-2.4]", async () => {
  const clock = { at: 0 };
  const verifier = verifierAt(clock);
  const jwt = await token();
  for (const [at, code] of [[0, undefined], [359, undefined], [360, "JWT_EXPIRED"], [1000, "JWT_EXPIRED"]] as const) {
    clock.at = at;
    if (code === undefined) await verifier.verify(jwt);
    else await assert.rejects(verifier.verify(jwt), { code });
  }
});

Deno.test("TM-33 a clock that is set back refuses a JWT that was valid [S-2.4]", async () => {
  const clock = { at: 0 };
  const verifier = verifierAt(clock);
  const jwt = await token({ claims: { nbf: NOW } });
  await verifier.verify(jwt);
  clock.at = -61;
  await assert.rejects(verifier.verify(jwt), { code: "JWT_NOT_YET_VALID" });
});

Deno.test("a refusal is not held: a JWT is valid once its time has come [S-2.4]", async () => {
  const clock = { at: 0 };
  const verifier = verifierAt(clock);
  const jwt = await token({ claims: { nbf: NOW + 100 } });
  await assert.rejects(verifier.verify(jwt), { code: "JWT_NOT_YET_VALID" });
  clock.at = 40;
  assert.equal((await verifier.verify(jwt)).identity.issuer, "main");
});

Deno.test("JwtVerifier verifies a signature once for many requests [S-2.4]", async () => {
  const { verify } = crypto.subtle;
  let verifications = 0;
  crypto.subtle.verify = (...args: Parameters<typeof verify>) => {
    verifications++;
    return verify.apply(crypto.subtle, args);
  };
  try {
    const verifier = verifierAt({ at: 0 });
    const jwt = await token();
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(jwt)));
    for (let round = 0; round < 100; round++) await verifier.verify(jwt);
  } finally {
    crypto.subtle.verify = verify;
  }
  assert.equal(verifications, 1);
});

Deno.test("TM-33 JwtVerifier refuses two issuers with one URL", () => {
  const issuers = [jwksIssuer(), jwksIssuer({ name: "second", audiences: undefined })];
  assert.throws(
    () => new JwtVerifier(issuers, { fetchJwks: () => Promise.resolve(JWKS), now: () => 0 }),
    (error) => error instanceof AppError && error.code === "BUNDLE_ISSUER_INVALID",
  );
});

Deno.test("TM-33 an empty list of audiences accepts none [S-2.1]", async () => {
  const issuer = jwksIssuer({ audiences: [] });
  const verifier = new JwtVerifier([issuer], { fetchJwks: () => Promise.resolve(JWKS), now: () => NOW * 1000 });
  await assert.rejects(verifier.verify(await token()), { code: "JWT_AUDIENCE_WRONG" });
});

Deno.test("TM-33 a list of algorithms with a shared secret's does not let a published key be one [S-2.1]", async () => {
  const issuer = jwksIssuer({
    keys: { kind: "jwks", url: "https://issuer.test/keys", allowPrivate: false, algorithms: ["RS256", "HS256"] },
  });
  const oct = JSON.stringify({ keys: [{ kty: "oct", k: "c".repeat(43), kid: "oct" }] });
  const verifier = new JwtVerifier([issuer], { fetchJwks: () => Promise.resolve(oct), now: () => NOW * 1000 });
  const jwt = await token({ alg: "HS256", header: { kid: "oct" }, key: new Uint8Array(32) });
  await assert.rejects(verifier.verify(jwt), { code: "JWT_ALGORITHM_REFUSED" });
});

Deno.test("an issuer's algorithms limit what its published keys are used with [S-2.1]", async () => {
  const issuer = jwksIssuer({
    keys: { kind: "jwks", url: "https://issuer.test/keys", allowPrivate: false, algorithms: ["PS256"] },
  });
  const verifier = new JwtVerifier([issuer], { fetchJwks: () => Promise.resolve(JWKS), now: () => NOW * 1000 });
  const rsa = { header: { kid: "rsa" }, key: KEYS.rsa };
  assert.equal((await verifier.verify(await token({ alg: "PS256", ...rsa }))).identity.issuer, "main");
  await assert.rejects(verifier.verify(await token({ alg: "RS256", ...rsa })), { code: "JWT_ALGORITHM_REFUSED" });
});

Deno.test("TM-33 nothing is verified for an issuer with a static key that is none [S-2.1]", async () => {
  const issuer = staticIssuer([
    { kid: "p256", alg: "ES256", material: { kind: "pem", pem: KEYS.p256.publicPem } },
    { kid: "bad", alg: "ES384", material: { kind: "pem", pem: KEYS.p256.publicPem } },
  ]);
  const verifier = new JwtVerifier([issuer], { fetchJwks: () => Promise.reject(), now: () => NOW * 1000 });
  await assert.rejects(verifier.verify(await token()), (error) => {
    return error instanceof Denial && error.code === "ISSUER_UNAVAILABLE";
  });
});

Deno.test("TM-33 a JWKS worker that does not answer is not waited for without end", async () => {
  const { setTimeout: original } = globalThis;
  Object.assign(globalThis, {
    setTimeout: (handler: () => void, ms?: number) => original(handler, ms === 10_000 ? 20 : ms),
  });
  try {
    const verifier = new JwtVerifier([jwksIssuer()], { fetchJwks: () => new Promise(() => {}), now: () => NOW * 1000 });
    await assert.rejects(verifier.verify(await token()), { code: "ISSUER_UNAVAILABLE" });
  } finally {
    Object.assign(globalThis, { setTimeout: original });
  }
});
