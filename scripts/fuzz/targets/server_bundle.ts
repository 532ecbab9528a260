import assert from "node:assert/strict";
import fc from "fast-check";
import { checkText } from "../../../cli/server/bundle/testdata/check_bundle_text.ts";
import { AppError } from "../../../policy/error.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** Stands wherever a text may stand, in a form that no message of ours has. */
const CANARY = "Zq7Canary9f3";
/** Far above what 4 KiB take, on a machine that does other things as well. */
const MAX_MS = 10_000;

const SECTIONS = [
  'version: "1"',
  `issuers: [{ name: i, type: custom, issuer_url: "https://a.test", audience: k, jwks_url: "https://a.test/jwks" }]`,
  `policies: [{ name: p, effect: allow, rule: 'ref == "a"' }]`,
  "resources: [{ ref: a, resolver: gh, hosts: [api.test] }]",
  "backends: { gh: { type: env } }",
];
const LINES = [
  `  - ${CANARY}`,
  `${CANARY}: x`,
  `a: &${CANARY} [x, x]`,
  `b: [*${CANARY}, *${CANARY}]`,
  "<<: *a",
  `revokers: '${CANARY}'`,
  `network: { connect: { ${CANARY}.test: "127.0.0.1:1" }, upstream_ca: ${CANARY} }`,
  `state: { redis: "redis://u:${CANARY}@h" }`,
  "---",
  `%TAG ! ${CANARY}`,
  `!!binary ${CANARY}`,
  "[".repeat(300),
  "- ".repeat(300),
  "__proto__: 1",
];

/** Any text gives problems of kind "config" in a short time, and none of them shows what is in it. */
export const bundles: FuzzTarget = {
  name: "bundle",
  inputs: fc.oneof(
    fc.constant(SECTIONS),
    fc.array(fc.constantFrom(...SECTIONS, ...LINES), { maxLength: 8 }),
  ).map((lines) => new TextEncoder().encode(lines.join("\n"))),
  dictionary: [
    CANARY,
    ...": |>-?[]{},&*!%@`#'\"\\\n\t",
    "  ",
    "<<",
    "{a: ",
    "- - ",
    "\r",
    "ref: ",
    "null",
    "0x1",
    ".inf",
  ],
  async check(input) {
    const started = performance.now();
    const { problems, warnings } = await checkText(new TextDecoder().decode(input));
    assert.ok(performance.now() - started < MAX_MS, "it took long");
    for (const problem of problems) {
      assert.ok(problem instanceof AppError && problem.kind === "config", String(problem));
    }
    const told = [
      ...problems.flatMap(({ message, hints, cause }) => [message, ...hints, String(cause ?? "")]),
      ...warnings.map(({ message }) => message),
    ].join("\n");
    assert.ok(!told.toLowerCase().includes(CANARY.toLowerCase()), `shown: ${told}`);
    return problems.length === 0;
  },
};
