import assert from "node:assert/strict";
import { AppError } from "../error.ts";
import { ISSUER_TYPES } from "./bundle.ts";
import { parseClaimPath } from "./claim_path.ts";
import { DEFAULT_MAPS } from "./issuer_defaults.ts";

const TAKEN: [text: string, expected: readonly string[]][] = [
  ["claims.sub", ["sub"]],
  ["claims.realm_access.roles", ["realm_access", "roles"]],
  ["claims.a-b.C_9", ["a-b", "C_9"]],
  ['claims["kubernetes.io"].namespace', ["kubernetes.io", "namespace"]],
  ["claims['https://example.com/team'].name", ["https://example.com/team", "name"]],
  ['claims["a"]["b\'c"]', ["a", "b'c"]],
  ['claims.a["[0]"]', ["a", "[0]"]],
  ["claims.__proto__", ["__proto__"]],
];
for (const [text, expected] of TAKEN) {
  Deno.test(`parseClaimPath() reads ${text}`, () => assert.deepEqual(parseClaimPath(text), expected));
}

const CANARY = "hunter2_canary";
for (
  const text of ["", "claims", "sub", "claims.", "claims..a", ".claims.a", "claims.a.", "claims[0]", "claims.a[0]"]
    .concat(
      ...["claims[a]", 'claims["a]', 'claims[""]', "claims['a\"]", 'claims["a\\u0062"]', "claims.a b", "claims.ä"],
      ...[" claims.a", "claims.a\n", 'claims["a\nb"]', `claims.${"a".repeat(250)}`, `claims.${CANARY}!`],
    )
) {
  Deno.test(`parseClaimPath() refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parseClaimPath(text), (error) => {
      assert.ok(error instanceof AppError && error.code === "BUNDLE_ISSUER_INVALID");
      return !error.message.includes(CANARY);
    });
  });
}

Deno.test("DEFAULT_MAPS has every type of issuer, and no empty path", () => {
  assert.deepEqual(Object.keys(DEFAULT_MAPS), [...ISSUER_TYPES]);
  for (const map of Object.values(DEFAULT_MAPS)) {
    for (const path of map.values()) assert.ok(path.length > 0 && path.every((part) => part !== ""));
  }
});
