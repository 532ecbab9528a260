import assert from "node:assert/strict";
import type { ErrorCode } from "../../../policy/error.ts";
import type { StateSettings } from "../../../policy/server/bundle.ts";
import { checkText, resources, withSection } from "./testdata/check_bundle_text.ts";

const ADDRESS = { host: "redis.internal", port: 6379, secure: false, username: undefined, database: 0 };
const state = (text: string) => withSection("state", `state: ${text}`);

const READ: readonly [why: string, text: string, expected: unknown][] = [
  ["an address alone", "redis://redis.internal", { kind: "redis", address: ADDRESS, password: undefined }],
  ["a table", "{ redis: 'redis://redis.internal' }", { kind: "redis", address: ADDRESS, password: undefined }],
  ["a password of a backend", "{ redis: 'rediss://kz@redis.internal:7/1', password: { backend: gh, secret: REDIS } }", {
    kind: "redis",
    address: { ...ADDRESS, secure: true, username: "kz", port: 7, database: 1 },
    password: { backend: "gh", secret: "REDIS" },
  }],
];
for (const [why, text, expected] of READ) {
  Deno.test(`checkBundle() reads a state that is ${why} [S-6.3]`, async () => {
    const { bundle, problems } = await checkText(state(text));
    assert.deepEqual(problems, []);
    assert.deepEqual(bundle?.state, expected);
  });
}

Deno.test("checkBundle() keeps revocations in memory where a bundle does not say [S-6.3]", async () => {
  const { bundle } = await checkText(resources({ ref: "A", secret: "B" }));
  assert.deepEqual(bundle?.state satisfies StateSettings | undefined, { kind: "memory" });
});

const REFUSED: readonly [why: string, text: string, code: ErrorCode, where: string][] = [
  ["a password in the address", "redis://kz:canary@redis.internal", "BUNDLE_STATE_INVALID", ":1: state: "],
  ["another service", "https://canary.internal", "BUNDLE_STATE_INVALID", ":1: state: "],
  ["a list", "[redis]", "CONFIG_TYPE_INVALID", ":1: state: "],
  ["no address", "{ password: { backend: gh, secret: A } }", "CONFIG_KEY_MISSING", ":1: state: "],
  ["a password itself", "{ redis: 'redis://r', password: canary }", "CONFIG_TYPE_INVALID", ":1: state.password: "],
  [
    "a password of no backend",
    "{ redis: 'redis://r', password: { backend: canary-vault, secret: A } }",
    "BUNDLE_REFERENCE_UNKNOWN",
    ":1: state.password.backend: ",
  ],
  [
    "a password that its backend cannot have",
    "{ redis: 'redis://r', password: { backend: gh, secret: canary-A } }",
    "CONFIG_REF_INVALID",
    ":1: state.password.secret: ",
  ],
  ["a key that is unknown", "{ redis: 'redis://r', cluster: true }", "CONFIG_KEY_UNKNOWN", ":1: state.cluster: "],
];
for (const [why, text, code, where] of REFUSED) {
  Deno.test(`checkBundle() refuses a state with ${why} [S-6.3]`, async () => {
    const { bundle, problems } = await checkText(state(text));
    assert.equal(bundle, undefined);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.equal(problems[0]?.code, code);
    assert(problems[0].message.includes(where), problems[0].message);
    assert(!(problems[0].message + problems[0].hints).includes("canary"));
  });
}

Deno.test("checkBundle() refuses a resource that would be the way to another server's proxy", async () => {
  const text = withSection("backends", "backends:\n  gh: { type: keyzero, url: 'https://kz.internal' }")
    .replace("secret: TOKEN", "secret: '!proxy'");
  const { problems } = await checkText(text);
  assert.deepEqual(problems.map(({ code }) => code), ["CONFIG_REF_INVALID"]);
});
