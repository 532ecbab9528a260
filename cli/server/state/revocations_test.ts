import assert from "node:assert/strict";
import { MemoryStore } from "./memory_store.ts";
import { Revocations } from "./revocations.ts";

const NOW = 1_700_000_000_000;
const DAY_MS = 86_400_000;

function revocations(skewMs = 0) {
  const now = () => NOW;
  const store = new MemoryStore(now);
  const all = new Revocations(store, { now, skewMs });
  const isRevoked = async (changes: Partial<typeof TOKEN>) =>
    (await all.answer({ kind: "is-revoked", ...TOKEN, ...changes })).revoked;
  return { all, store, isRevoked };
}

const TOKEN = { id: "t1", issuer: "internal", subject: "agent-1", issuedAt: NOW - 10 };

Deno.test("Revocations has nothing revoked at first", async () => {
  assert.equal(await revocations().isRevoked({}), false);
});

Deno.test("TM-36 Revocations revokes one token by its id, whoever asks and whenever it was made [S-6.3]", async () => {
  const { all, isRevoked } = revocations();
  await all.answer({ kind: "revoke-id", id: "t1", expiresAt: NOW + 1 });
  assert.equal(await isRevoked({}), true);
  assert.equal(await isRevoked({ subject: "agent-2", issuedAt: NOW + 5 }), true);
  assert.equal(await isRevoked({ id: "t2" }), false);
});

const SUBJECT_ROWS: readonly [why: string, Partial<typeof TOKEN>, revoked: boolean][] = [
  ["a token made before", {}, true],
  ["a token made in the same millisecond", { issuedAt: NOW }, true],
  ["a token made after", { issuedAt: NOW + 1 }, false],
  ["a token whose time is no number", { issuedAt: NaN }, true],
  ["another subject", { subject: "agent-2" }, false],
  ["the same subject of another issuer", { issuer: "other" }, false],
  ["parts that are the same when put together", { issuer: "internalagent", subject: "-1" }, false],
  ["parts with a comma and quotes between them", { issuer: 'internal","agent-1', subject: "" }, false],
];
for (const [why, changes, revoked] of SUBJECT_ROWS) {
  Deno.test(`TM-36 Revocations by subject: ${why} is ${revoked ? "" : "not "}revoked [S-6.3]`, async () => {
    const { all, isRevoked } = revocations();
    await all.answer({ kind: "revoke-subject", issuer: "internal", subject: "agent-1", keepUntil: NOW + DAY_MS });
    assert.equal(await isRevoked(changes), revoked);
  });
}

Deno.test("Revocations by subject reach as far as clocks may be apart", async () => {
  const { all, isRevoked } = revocations(1_000);
  await all.answer({ kind: "revoke-subject", issuer: "internal", subject: "agent-1", keepUntil: NOW + DAY_MS });
  assert.equal(await isRevoked({ issuedAt: NOW + 1_000 }), true);
  assert.equal(await isRevoked({ issuedAt: NOW + 1_001 }), false);
});

Deno.test("Revocations keeps nothing of what has expired already, and refuses a time that is none", async () => {
  const { all, store } = revocations();
  await all.answer({ kind: "revoke-id", id: "t1", expiresAt: NOW });
  assert.equal(store.size, 0);
  await assert.rejects(all.answer({ kind: "revoke-id", id: "t1", expiresAt: NaN }), RangeError);
});
