import assert from "node:assert/strict";
import { CHAIN_START, GENESIS, isHashRight, isMacRight, MAX_LINE_BYTES, parseLine, sealLine } from "./audit_line.ts";
import { auditFields } from "./audit_fields.ts";

const RUN = "0123456789abcdef";
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const KEY = new Uint8Array(32).fill(7);

Deno.test("sealLine() writes place, time, run, the event, and the hashes, in this order [S-7.1]", async () => {
  const fields = { event: "resolve", outcome: "denied", code: "POLICY_DENIED" };
  const { text, position } = sealLine({ fields, at: AT }, CHAIN_START, { run: RUN, key: undefined });
  const content = '{"v":1,"seq":1,"at":"2026-01-02T03:04:05.678Z","run":"0123456789abcdef","event":"resolve",' +
    `"outcome":"denied","code":"POLICY_DENIED","prev":"${"0".repeat(64)}"`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(text, `${content},"hash":"${hash}"}`);
  assert.deepEqual(position, { seq: 1, hash });
});

Deno.test("sealLine() makes each line name the hash of the one before", () => {
  const sealing = { run: RUN, key: undefined };
  const first = sealLine({ fields: GENESIS, at: AT }, CHAIN_START, sealing);
  const second = sealLine({ fields: GENESIS, at: AT }, first.position, sealing);
  assert.equal(parseLine(second.text)?.prev, first.position.hash);
  assert.equal(second.position.seq, 2);
});

Deno.test("sealLine() with a key adds a MAC that another key does not make", async () => {
  const { text, position } = sealLine({ fields: GENESIS, at: AT }, CHAIN_START, { run: RUN, key: KEY });
  const line = parseLine(text);
  assert.ok(line !== undefined && isHashRight(line) && isMacRight(line, KEY));
  assert.equal(isMacRight(line, new Uint8Array(32)), false);
  const key = await crypto.subtle.importKey("raw", KEY, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(position.hash)));
  assert.equal(line.mac, mac.toHex());
});

Deno.test("sealLine() writes ASCII, whatever an event holds, and stays within a line's bound", () => {
  const nasty = "\u009b31m\u202e\u2028é\ud800😀\x1b[2J\n".repeat(200);
  const fields = auditFields({
    event: "server",
    outcome: "error",
    issuer: nasty,
    subject: nasty,
    policy: nasty,
    detail: nasty,
  });
  assert.ok(fields !== undefined);
  const { text } = sealLine({ fields, at: AT }, CHAIN_START, { run: RUN, key: KEY });
  assert.match(text, /^[\x20-\x7e]+$/);
  assert.ok(text.length < MAX_LINE_BYTES, `${text.length}`);
  const line = parseLine(text);
  assert.ok(line !== undefined && isHashRight(line));
  assert.ok(JSON.parse(text).subject.startsWith("\u009b31m\u202e\u2028é"));
});

const LINE = sealLine({ fields: GENESIS, at: AT }, CHAIN_START, { run: RUN, key: undefined }).text;
const FORMS: readonly (readonly [why: string, text: string])[] = [
  ["nothing", ""],
  ["other JSON", '{"a":1}'],
  ["a space at its end", `${LINE} `],
  ["a space within its frame", LINE.replace('"v":1,', '"v":1, ')],
  ["another version", LINE.replace('"v":1', '"v":2')],
  ["a place before the first", LINE.replace('"seq":1', '"seq":0')],
  ["a field behind the hash", LINE.replace(/}$/, ',"more":1}')],
  ["a byte that is not ASCII", LINE.replace("genesis", "génesis")],
  ["a hash in capitals", LINE.replace(/"hash":"(.*)"/, (_, hash) => `"hash":"${String(hash).toUpperCase()}"`)],
];
for (const [why, text] of FORMS) {
  Deno.test(`parseLine() takes no line with ${why}`, () => assert.equal(parseLine(text), undefined));
}
