import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_SEALED_LENGTH, PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import { Denial } from "../../policy/server/denial.ts";
import { parseResourceRef } from "../../policy/server/resource_ref.ts";
import { decodeBase64url, encodeBase64url } from "../base64url.ts";
import { newTokenId, type ProxyPass, type SealedClaims, TokenSealer } from "./token_sealer.ts";

const NOW = Date.UTC(2026, 6, 1, 12);
const KEY = new Uint8Array(32).fill(7);
const sealer = await TokenSealer.create(KEY);

const CLAIMS: SealedClaims = {
  id: "00112233445566778899aabbccddeeff",
  resource: parseResourceRef("github/pat"),
  issuer: "internal",
  subject: "agent-1",
  issuedAt: NOW - 1_234,
  expiresAt: NOW + 300_000,
};
const PASS: ProxyPass = { issuer: "internal", subject: "agent-1", expiresAt: NOW + 300_000 };

const denies = (code: string) => (error: unknown) => error instanceof Denial && error.code === code;

const time = fc.integer({ min: 0, max: 2 ** 32 * 1000 });
const text = (maxLength: number) => fc.string({ maxLength, unit: "grapheme" }).filter((s) => s.length <= maxLength);
const claims: fc.Arbitrary<SealedClaims> = fc.record({
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => bytes.toHex()),
  resource: fc.stringMatching(/^[A-Za-z0-9_@:=+-]{1,20}(\/[A-Za-z0-9_@:=+-]{1,20}){0,3}$/).map(parseResourceRef),
  issuer: text(128),
  subject: text(512),
  issuedAt: time,
  expiresAt: time,
}, { noNullPrototype: true });

Deno.test("TokenSealer opens what it sealed, and no two seals are equal [S-6.1]", async () => {
  await fc.assert(fc.asyncProperty(claims, async (said) => {
    const [first, second] = await Promise.all([sealer.seal(said), sealer.seal(said)]);
    assert.match(first, /^KZ_TOK_1[A-Za-z0-9_-]+$/);
    assert.notEqual(first, second);
    assert.deepEqual(await sealer.open(first, said.expiresAt - 1), said);
  }));
});

Deno.test("TokenSealer.openPass() opens what sealPass() sealed [S-6.1]", async () => {
  await fc.assert(fc.asyncProperty(claims, async ({ issuer, subject, expiresAt }) => {
    const pass = await sealer.sealPass({ issuer, subject, expiresAt });
    assert.match(pass, /^KZ_PRX_1[A-Za-z0-9_-]+$/);
    assert.deepEqual(await sealer.openPass(pass, expiresAt - 1), { issuer, subject, expiresAt });
  }));
});

Deno.test("TM-36 TokenSealer refuses a token with any one bit flipped", async () => {
  const sealed = decodeBase64url((await sealer.seal(CLAIMS)).slice(SEALED_PREFIX.length))!;
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const flipped = sealed.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await assert.rejects(sealer.open(SEALED_PREFIX + encodeBase64url(flipped), NOW), denies("TOKEN_INVALID"), `${bit}`);
  }
});

Deno.test("TM-36 TokenSealer refuses a token with any other character in any place", async () => {
  const token = await sealer.seal(CLAIMS);
  const change = fc.record({
    at: fc.nat(token.length - 1),
    char: fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
  });
  await fc.assert(fc.asyncProperty(change, async ({ at, char }) => {
    fc.pre(char !== token[at]);
    await assert.rejects(sealer.open(token.slice(0, at) + char + token.slice(at + 1), NOW), denies("TOKEN_INVALID"));
  }));
});

Deno.test("TM-36 TokenSealer refuses a token that was cut anywhere", async () => {
  const token = await sealer.seal(CLAIMS);
  for (let length = 0; length < token.length; length++) {
    await assert.rejects(sealer.open(token.slice(0, length), NOW), denies("TOKEN_INVALID"), `${length}`);
  }
});

/** The last character of a text whose length leaves trailing bits, with one of them set. */
function withTrailingBit(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) ^ 1];
}

const FORMS: readonly (readonly [why: string, change: (token: string) => string])[] = [
  ["padding", (token) => `${token}=`],
  ["two signs of padding", (token) => `${token}==`],
  ["a set trailing bit", withTrailingBit],
  ["the other base64 alphabet", (token) => `${token.slice(0, -4)}+/+/`],
  ["white space before it", (token) => ` ${token}`],
  ["a line end after it", (token) => `${token}\n`],
  ["a line end within", (token) => `${token.slice(0, 20)}\n${token.slice(20)}`],
  ["a prefix in lower case", (token) => token.toLowerCase()],
  ["the prefix of another version", (token) => token.replace("KZ_TOK_1", "KZ_TOK_2")],
  ["no prefix", (token) => token.slice(8)],
  ["the prefix twice", (token) => `KZ_TOK_1${token}`],
  ["a pass's prefix", (token) => token.replace("KZ_TOK_", "KZ_PRX_")],
  ["the prefix alone", () => "KZ_TOK_1"],
  ["nothing", () => ""],
  ["another token behind it", (token) => token + token],
  ["more than is ever sealed", (token) => token + "A".repeat(MAX_SEALED_LENGTH)],
];

for (const [why, change] of FORMS) {
  Deno.test(`TM-36 TokenSealer refuses a token with ${why}`, async () => {
    // Subjects of three lengths, so that one leaves trailing bits of each number.
    for (const subject of ["agent-1", "agent-12", "agent-123"]) {
      const token = change(await sealer.seal({ ...CLAIMS, subject }));
      await assert.rejects(sealer.open(token, NOW), denies("TOKEN_INVALID"));
      await assert.rejects(sealer.openPass(token, NOW), denies("TOKEN_INVALID"));
    }
  });
}

Deno.test("TM-36 TokenSealer refuses a token of another server key", async () => {
  const other = await TokenSealer.create(new Uint8Array(32).fill(8));
  await assert.rejects(other.open(await sealer.seal(CLAIMS), NOW), denies("TOKEN_INVALID"));
  await assert.rejects(other.openPass(await sealer.sealPass(PASS), NOW), denies("TOKEN_INVALID"));
});

Deno.test("TM-36 TokenSealer takes no pass for a token and no token for a pass, whatever its prefix says", async () => {
  const [token, pass] = await Promise.all([sealer.seal(CLAIMS), sealer.sealPass(PASS)]);
  for (const text of [pass, pass.replace(PASS_PREFIX, SEALED_PREFIX)]) {
    await assert.rejects(sealer.open(text, NOW), denies("TOKEN_INVALID"));
    await assert.rejects(sealer.identify(text), denies("TOKEN_INVALID"));
  }
  for (const text of [token, token.replace(SEALED_PREFIX, PASS_PREFIX)]) {
    await assert.rejects(sealer.openPass(text, NOW), denies("TOKEN_INVALID"));
    await assert.rejects(sealer.identifyPass(text), denies("TOKEN_INVALID"));
  }
});

Deno.test("TM-36 TokenSealer opens a token up to the millisecond before it ends, and says of a late one that it has expired", async () => {
  const [token, pass] = await Promise.all([sealer.seal(CLAIMS), sealer.sealPass(PASS)]);
  await sealer.open(token, CLAIMS.expiresAt - 1);
  await sealer.openPass(pass, PASS.expiresAt - 1);
  for (const late of [CLAIMS.expiresAt, CLAIMS.expiresAt + 1, Infinity, NaN]) {
    await assert.rejects(sealer.open(token, late), denies("TOKEN_EXPIRED"));
    await assert.rejects(sealer.openPass(pass, late), denies("TOKEN_EXPIRED"));
  }
  assert.deepEqual(await sealer.identify(token), CLAIMS);
});

Deno.test("TokenSealer opens a token that another replica with the key has sealed, on any day [S-6.1]", async () => {
  const replica = await TokenSealer.create(KEY.slice());
  for (let day = 0; day < 20; day++) {
    const said = { ...CLAIMS, expiresAt: NOW + day * 24 * 60 * 60 * 1000 };
    assert.deepEqual(await replica.open(await sealer.seal(said), NOW - 1), said);
  }
});

const UNSEALABLE: readonly (readonly [why: string, claims: Partial<SealedClaims>])[] = [
  ["a subject that is too long", { subject: "a".repeat(513) }],
  ["a subject that is not Unicode", { subject: "a\ud800" }],
  ["an issuer that is too long", { issuer: "a".repeat(129) }],
  ["an id that is not one", { id: "1" }],
  ["an id in capitals", { id: "A".repeat(32) }],
  ["a time that is none", { expiresAt: NaN }],
  ["a time in the far future", { expiresAt: 2 ** 48 }],
  ["a time before the epoch", { issuedAt: -1 }],
];

for (const [why, part] of UNSEALABLE) {
  Deno.test(`TokenSealer.seal() refuses ${why} [S-6.1]`, async () => {
    await assert.rejects(async () => await sealer.seal({ ...CLAIMS, ...part }));
  });
}

Deno.test("TokenSealer seals the longest of everything within the cap, and a usual token in 130 characters [S-6.1]", async () => {
  const long = await sealer.seal({
    ...CLAIMS,
    resource: parseResourceRef("r".repeat(256)),
    issuer: "\uffff".repeat(128),
    subject: "\uffff".repeat(512),
  });
  assert.ok(long.length < MAX_SEALED_LENGTH);
  await sealer.open(long, NOW);
  assert.ok((await sealer.seal(CLAIMS)).length <= 130);
});

Deno.test("TokenSealer tells nothing of a token to who lacks the key, and shows no key [S-6.1]", async () => {
  const token = await sealer.seal({ ...CLAIMS, subject: "very-visible-subject" });
  const bytes = new TextDecoder("latin1").decode(decodeBase64url(token.slice(SEALED_PREFIX.length)));
  assert.ok(!bytes.includes("visible") && !bytes.includes("github"));
  const shown = Deno.inspect(sealer, { depth: 9, showHidden: true }) + JSON.stringify(sealer);
  assert.ok(!shown.includes("07") && !shown.includes("CryptoKey"));
});

Deno.test("TokenSealer.create() takes 32 bytes [S-6.1]", async () => {
  for (const length of [0, 16, 31, 33]) await assert.rejects(TokenSealer.create(new Uint8Array(length)), RangeError);
});

Deno.test("newTokenId() is 128 bits, each time others [S-6.1]", () => {
  assert.match(newTokenId(), /^[0-9a-f]{32}$/);
  assert.equal(new Set(Array.from({ length: 100 }, newTokenId)).size, 100);
});

Deno.test("TokenSealer opens what an earlier version sealed: tokens outlive an update of one replica [S-6.1]", async () => {
  const made = { issuer: "internal", subject: "agent-1", expiresAt: 1_800_000_300_000 };
  const token =
    "KZ_TOK_1UWFVVZUf_N8vbu-gotGn1DxAcglmM4R1cOjRC7i4XwFVUyP16KaBOLfoygw9fvqkILRDpGOGebJNxcgHdDQ4T019tXc9AZf8Rka9CptCDOhuLv1McZMcRh4";
  const pass = "KZ_PRX_1UWFRCpvOcmO7OWMVB8oa4s0z8kdX5N04dluOIJEF7ZHVfczBO5xVpCMSmMQHSbg4W7VWiodkoA";
  const issuedAt = 1_800_000_000_000;
  assert.deepEqual(await sealer.open(token, issuedAt), { ...CLAIMS, ...made, issuedAt });
  assert.deepEqual(await sealer.openPass(pass, issuedAt), made);
});
