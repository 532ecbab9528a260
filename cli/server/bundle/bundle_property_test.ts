import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../policy/error.ts";
import { checkText } from "./testdata/check_bundle_text.ts";

const CANARY = "hunter2Canary7f3a9c0d1e2b";
const RUNS = 300;

/** Words that lead deep into the reader, and the canary in every place where a word may stand. */
const WORDS: Record<string, readonly string[]> = {
  top: ["version", "issuers", "policies", "resources", "backends", "network", "revokers", CANARY, "__proto__"],
  inner: [
    ...["name", "type", "issuer_url", "audience", "map", "jwks_url", "jwks_private", "algorithms", "static_keys"],
    ...["kid", "alg", "pem", "jwk", "secret_file", "kty", "k", "d", "n", "e", "effect", "rule", "ref", "resolver"],
    ...["secret", "mode", "ttl", "credential_location", "hosts", "methods", "paths", "upstream_ca", "connect", "gh"],
    ...["service", "groups", "region", "constructor", "__proto__", "<<", "1", CANARY],
  ],
};
const text = fc.oneof(
  fc.constantFrom(
    ...[CANARY, `{${CANARY}}`, `*.${CANARY}`, `${CANARY}:443`, `https://${CANARY}@x/`, `https://x/#${CANARY}`],
    ...[`claims.${CANARY}[0]`, `header:${CANARY}`, `-----BEGIN PRIVATE KEY-----${CANARY}`, `/${CANARY}?`],
    ...[`-----BEGIN PUBLIC KEY-----${CANARY}-----END PUBLIC KEY-----`, "RS256", "HS256", "custom", "env", "aws", "gh"],
  ),
  fc.string().map((around) => around + CANARY),
);
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text.map((inner) => JSON.stringify(inner)),
    fc.constantFrom("1", "-0.5", "true", "null", "~", "[]", "{}", CANARY, `&${CANARY} x`, `*${CANARY}`, `!${CANARY} x`),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(fc.constantFrom(...WORDS["inner"]!), tie("value")), { maxLength: 6 }).map((entries) =>
      `{ ${entries.map(([key, inner]) => `${key}: ${inner}`).join(", ")} }`
    ),
  ),
}));
const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...WORDS["top"]!), value).map((pair) => pair.join(": ")) },
  { weight: 2, arbitrary: value.map((item) => `  - ${item}`) },
  fc.constantFrom(`# ${CANARY}`, "---", `%${CANARY}`, CANARY),
);
const document = fc.uniqueArray(line, { maxLength: 10, selector: (text) => text.split(":")[0] }).map((lines) =>
  lines.join("\n")
);

async function staysSilent(bundle: string): Promise<void> {
  const { problems, warnings } = await checkText(bundle);
  for (const problem of problems) {
    assert.ok(problem instanceof AppError);
    assert.equal(problem.kind, "config");
    assert.match(problem.message, /^Cannot read bundle\.yaml/);
    // No cause may bring the text along either.
    assert.equal(problem.cause, undefined);
  }
  const all = [
    ...problems.flatMap(({ message, hints }) => [message, ...hints]),
    ...warnings.map(({ message }) => message),
  ];
  assert.ok(!all.join("\n").toLowerCase().includes(CANARY.toLowerCase()), all.join("\n"));
}

Deno.test("checkBundle() reports any document as problems and never shows what is in it [S-1.3]", async () => {
  await fc.assert(fc.asyncProperty(document, staysSilent), { numRuns: RUNS });
});

Deno.test("checkBundle() reports any text as problems and never shows what is in it [S-1.3]", async () => {
  const anything = fc.string({ unit: "binary", maxLength: 200 }).map((around) => `${around}${CANARY}\n${around}`);
  await fc.assert(fc.asyncProperty(anything, staysSilent), { numRuns: RUNS });
});
