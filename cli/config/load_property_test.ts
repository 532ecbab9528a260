import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../policy/error.ts";
import { problemsOf } from "./testdata/check_text.ts";

const CANARY = "hunter2Canary7f3a9c0d1e2b";
const RUNS = 400;

/** Words that lead deep into the loader, and the canary in every place where a word may stand. */
const word = fc.constantFrom(
  ...[
    "secrets",
    "providers",
    "blind",
    "production",
    "connections",
    "connect",
    "keep_env",
    "upstream_ca",
    "aws",
    "A",
    "B",
  ],
  ...[
    "provider",
    "ref",
    "hosts",
    "in",
    "mask",
    "optional",
    "allow",
    "host",
    "port",
    "__proto__",
    "constructor",
    CANARY,
  ],
);
const text = fc.oneof(
  fc.constantFrom(
    CANARY,
    `\${${CANARY}}`,
    "${A}${B}",
    `*.${CANARY}`,
    `/${CANARY}(`,
    `${CANARY}:443`,
    "keychain",
    "header",
  ),
  fc.string().map((around) => around + CANARY),
);
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text.map((inner) => JSON.stringify(inner)),
    fc.constantFrom("1", "-0.5", "true", "2020-01-01", "inf", "[]", "{}", CANARY),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(word, tie("value")), { maxLength: 4 }).map((entries) =>
      `{ ${entries.map(([key, inner]) => `${key} = ${inner}`).join(", ")} }`
    ),
  ),
}));
const line = fc.oneof(
  fc.array(word, { minLength: 1, maxLength: 3 }).map((keys) => `[${keys.join(".")}]`),
  fc.array(word, { minLength: 1, maxLength: 3 }).map((keys) => `[[${keys.join(".")}]]`),
  { weight: 4, arbitrary: fc.tuple(word, value).map(([key, inner]) => `${key} = ${inner}`) },
  fc.constant(`# ${CANARY}`),
);
const document = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));

async function staysSilent(project: string, local: string): Promise<void> {
  const problems = await problemsOf({ project, local, user: project });
  for (const problem of problems) {
    assert.ok(problem instanceof AppError);
    assert.equal(problem.kind, "config");
    assert.match(problem.message, /^Cannot read /);
    // No cause may bring the text along either.
    assert.equal(problem.cause, undefined);
    assert.ok(
      ![problem.message, ...problem.hints].join("\n").toLowerCase().includes(CANARY.toLowerCase()),
      problem.message,
    );
  }
}

Deno.test("checkFiles() reports any document as problems and never shows what is in it [F-3.7]", async () => {
  await fc.assert(fc.asyncProperty(document, document, staysSilent), { numRuns: RUNS });
});

Deno.test("checkFiles() reports any text as problems and never shows what is in it [F-9.1]", async () => {
  const anything = fc.string({ unit: "binary", maxLength: 200 }).map((around) => `${around}${CANARY}\n${around}`);
  await fc.assert(fc.asyncProperty(anything, anything, staysSilent), { numRuns: RUNS });
});
