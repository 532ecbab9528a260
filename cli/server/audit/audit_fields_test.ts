import assert from "node:assert/strict";
import { auditFields } from "./audit_fields.ts";

const JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.c2lnbmF0dXJl";
const BASE = { event: "resolve", outcome: "allowed" };

Deno.test("auditFields() gives every field, in one order whatever that of the event", () => {
  const event = {
    detail: "by hand",
    status: 200,
    method: "GET",
    port: 443,
    host: "api.github.com",
    tokenId: "k7-_A",
    mode: "masked",
    policy: "agents",
    ref: "github/pat",
    subject: "repo:org/app:ref:refs/heads/main",
    issuer: "internal",
    code: "POLICY_DENIED",
    outcome: "denied",
    event: "swap",
  };
  const fields = auditFields(event);
  assert.deepEqual(fields, event);
  assert.equal(
    Object.keys(fields ?? {}).join(" "),
    "event outcome code issuer subject ref policy mode tokenId host port method status detail",
  );
});

const WRITTEN: readonly (readonly [why: string, field: Record<string, unknown>, expected: Record<string, unknown>])[] =
  [
    ["leaves out what is undefined", { code: undefined }, {}],
    ["refuses a JWT as a subject", { subject: JWT }, { subject: "[refused]" }],
    ["refuses a JWT within a text", { detail: `Bearer ${JWT}` }, { detail: "[refused]" }],
    ["refuses a JWT behind other letters", { subject: `x${JWT}` }, { subject: "[refused]" }],
    ["refuses a sealed token", { subject: "KZ_TOK_abc" }, { subject: "[refused]" }],
    ["refuses a sealed token in small letters", { policy: "kz_tok_abc" }, { policy: "[refused]" }],
    ["refuses a proxy pass", { subject: "KZ_PRX_abc" }, { subject: "[refused]" }],
    ["refuses a masked token", { issuer: `kz_masked_${"a".repeat(32)}` }, { issuer: "[refused]" }],
    ["refuses a token as a token's id", { tokenId: "KZ_TOK_abc" }, { tokenId: "[refused]" }],
    ["refuses a token as a ref", { ref: "KZ_TOK_abc" }, { ref: "[refused]" }],
    ["takes a name that has eyJ in it", { subject: "surveyJobs" }, { subject: "surveyJobs" }],
    ["refuses a code that is none", { code: "sk-live-1234" }, { code: "[refused]" }],
    ["refuses a host that is none", { host: "user:pass@host" }, { host: "[refused]" }],
    ["refuses a host that is not canonical", { host: "API.github.com" }, { host: "[refused]" }],
    ["refuses a ref that is not canonical", { ref: "a//b" }, { ref: "[refused]" }],
    ["refuses a method that is none", { method: "GET /path" }, { method: "[refused]" }],
    ["refuses a token's id that is too long", { tokenId: "a".repeat(65) }, { tokenId: "[refused]" }],
    ["takes a text at its limit whole", { subject: "s".repeat(512) }, { subject: "s".repeat(512) }],
    ["cuts a text beyond its limit", { subject: "s".repeat(513) }, { subject: `${"s".repeat(512)}[cut]` }],
    ["refuses a JWT that the cut would have hidden", { issuer: "i".repeat(250) + JWT }, { issuer: "[refused]" }],
    ["cuts no character in two", { issuer: `${"i".repeat(255)}😀` }, { issuer: `${"i".repeat(255)}\ufffd[cut]` }],
    ["takes port 0 and 65535", { port: 65_535 }, { port: 65_535 }],
  ];
for (const [why, field, expected] of WRITTEN) {
  Deno.test(`TM-30 auditFields() ${why} [S-7.1]`, () => {
    assert.deepEqual(auditFields({ ...BASE, ...field }), { ...BASE, ...expected });
  });
}

const REFUSED: readonly (readonly [why: string, event: unknown])[] = [
  ["what is no object", "resolve"],
  ["null", null],
  ["an event without an outcome", { event: "resolve" }],
  ["an event of an unknown kind", { ...BASE, event: "genesis" }],
  ["an unknown outcome", { ...BASE, outcome: "maybe" }],
  ["a field that is not known", { ...BASE, value: "x" }],
  ["a field named __proto__", JSON.parse('{"event":"resolve","outcome":"allowed","__proto__":{"a":1}}')],
  ["an object as a text", { ...BASE, subject: { toString: "x" } }],
  ["a number as a text", { ...BASE, detail: 1 }],
  ["a text as a number", { ...BASE, status: "200" }],
  ["a number that is not whole", { ...BASE, status: 200.5 }],
  ["a port beyond the last", { ...BASE, port: 65_536 }],
  ["another mode", { ...BASE, mode: "plain" }],
];
for (const [why, event] of REFUSED) {
  Deno.test(`auditFields() refuses ${why}`, () => assert.equal(auditFields(event), undefined));
}
