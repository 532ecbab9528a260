import assert from "node:assert/strict";
import { makeMaskedToken } from "../../policy/masked_token.ts";
import { DEFAULT_PLACEMENTS, parsePlacement } from "../../policy/placement.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { pairAwsKeys, plainPlaces } from "./aws_keys.ts";

const secrets = (names: readonly string[]) =>
  names.map((name, at) => ({
    name: parseSecretName(name),
    token: makeMaskedToken(new Uint8Array(16).fill(at)),
    in: DEFAULT_PLACEMENTS,
  }));

const PAIRS: readonly [why: string, names: readonly string[], pairs: readonly (readonly (string | undefined)[])[]][] = [
  ["the usual names", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], [
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", undefined],
  ]],
  ["a session token", ["AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"], [
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
  ]],
  ["a common prefix", [
    "PROD_AWS_ACCESS_KEY_ID",
    "PROD_AWS_SECRET_ACCESS_KEY",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
  ], [
    ["PROD_AWS_ACCESS_KEY_ID", "PROD_AWS_SECRET_ACCESS_KEY", undefined],
    ["R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", undefined],
  ]],
  ["a key id without its secret key", ["AWS_ACCESS_KEY_ID", "PROD_AWS_SECRET_ACCESS_KEY"], []],
  ["a secret key without its key id", ["AWS_SECRET_ACCESS_KEY"], []],
  ["a name that goes on", ["AWS_ACCESS_KEY_ID_2", "AWS_SECRET_ACCESS_KEY_2"], []],
];
for (const [why, names, expected] of PAIRS) {
  Deno.test(`pairAwsKeys() of ${why}`, () => {
    const all = secrets(names);
    const name = (token: string | undefined) => all.find((secret) => secret.token === token)?.name;
    const pairs = [...pairAwsKeys(all).values()].map((keys) => [
      name(keys.keyId),
      name(keys.secretKey),
      name(keys.sessionToken),
    ]);
    assert.deepEqual(pairs, expected);
  });
}

Deno.test("TM-04 plainPlaces() leaves secrets that sign no place of their own, unless the operator names one", () => {
  const all = secrets(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN"]);
  const keys = pairAwsKeys(all);
  assert.deepEqual(all.map((secret) => plainPlaces(secret, keys).length), [0, 0, 0, 1]);
  const named = { ...all[0]!, in: [parsePlacement("header:X-Key-Id")] };
  assert.deepEqual(plainPlaces(named, pairAwsKeys([named, ...all.slice(1)])), named.in);
});
