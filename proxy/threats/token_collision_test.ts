import assert from "node:assert/strict";
import { makeMaskedToken, TOKEN_LENGTH } from "../../policy/masked_token.ts";
import { CANARY, CLOSE, openLab } from "../testing/lab.ts";

// requirement: P-2.2

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: api.test\r\n${fields}${CLOSE}\r\n`;
const freshToken = () => makeMaskedToken(crypto.getRandomValues(new Uint8Array(16)));

Deno.test("TM-23 tokens are unique, of one length, and none holds another", () => {
  const tokens = Array.from({ length: 2000 }, freshToken);
  assert.equal(new Set(tokens).size, tokens.length);
  for (const token of tokens) {
    assert.equal(token.length, TOKEN_LENGTH);
    assert.match(token, /^kz_masked_[0-9a-f]{32}$/);
    // A token that began inside this one would have to begin with the prefix.
    assert.equal(token.indexOf("kz_masked_", 1), -1);
  }
});

Deno.test("TM-23 a token is never made from fewer or more than 128 bits", () => {
  for (const length of [0, 15, 17]) assert.throws(() => makeMaskedToken(new Uint8Array(length)), RangeError);
});

Deno.test("TM-23 a value that holds a token is sent as it is", async () => {
  const inner = freshToken();
  await using lab = await openLab({ value: `${CANARY}-${inner}-end` });
  assert.match(await lab.inside(get(`X-Key: ${lab.token}\r\n`)), /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.includes(`X-Key: ${CANARY}-${inner}-end\r\n`));
});

const ROWS: readonly (readonly [why: string, text: (token: string) => string, sent: string | undefined])[] = [
  ["beside itself", (token) => token + token, CANARY + CANARY],
  ["before hexadecimal digits", (token) => `${token}0123abcd`, `${CANARY}0123abcd`],
  ["after hexadecimal digits", (token) => `abcd${token}`, `abcd${CANARY}`],
  ["after its own prefix", (token) => `kz_masked_${token}`, `kz_masked_${CANARY}`],
  ["inside half of a token", (token) => `kz_masked_0123${token}4567`, `kz_masked_0123${CANARY}4567`],
  ["cut by one digit", (token) => token.slice(0, -1), "itself"],
  ["in capitals", (token) => token.toUpperCase(), "itself"],
  ["with one digit changed", (token) => token.slice(0, -1) + (token.endsWith("0") ? "1" : "0"), undefined],
];

for (const [why, text, sent] of ROWS) {
  Deno.test(`TM-23 a token ${why} is ${sent === undefined ? "refused" : sent === "itself" ? "no token" : "swapped once"}`, async () => {
    await using lab = await openLab();
    const value = text(lab.token);
    const answer = await lab.inside(get(`X-Key: ${value}\r\n`));
    if (sent === undefined) {
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.equal(lab.upstream.received, "");
    } else assert.ok(lab.upstream.requests[0]!.includes(`X-Key: ${sent === "itself" ? value : sent}\r\n`));
  });
}

Deno.test("TM-23 two tokens side by side are each swapped for their own value", async () => {
  await using lab = await openLab({ certificateFor: "other.test" });
  const fields = `X-Key: ${lab.token}${lab.secondToken}${lab.token}\r\n`;
  const request = get(fields).replace("Host: api.test", "Host: other.test");
  assert.match(await lab.inside(request, "other.test:443"), /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.includes(`X-Key: ${CANARY}other-${CANARY}${CANARY}\r\n`));
});
