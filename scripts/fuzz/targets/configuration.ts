import assert from "node:assert/strict";
import fc from "fast-check";
import { problemsOf } from "../../../cli/config/testdata/check_text.ts";
import { AppError } from "../../../policy/error.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** Stands wherever a value may stand, in a form that no message of ours has. */
const CANARY = "Zq7Canary9f3";

/** A key or a table that is named so, also with more around it. */
const CANARY_AS_NAME_REGEXP = new RegExp(
  `(?:^|[\\n{,.[])\\s*["']?[^\\n"'={,.[]*${CANARY}[^\\n"'=]*["']?\\s*[=.\\]]`,
  "i",
);

const LINES = [
  "[secrets]",
  `A = { provider = "keychain", ref = "${CANARY}" }`,
  `B = { provider = "aws", ref = "sm://${CANARY}", hosts = ["${CANARY}.test"], in = ["query:${CANARY}"] }`,
  `C = "postgres://u:\${A}@${CANARY}/"`,
  `C = "\${${CANARY}}"`,
  `D = { provider = "env", ref = "${CANARY}", mask = "/${CANARY}(.*)/", optional = true }`,
  "[production.secrets]",
  "[providers.aws]",
  `region = "${CANARY}"`,
  "[blind]",
  `upstream_ca = "${CANARY}"`,
  `keep_env = ["${CANARY}*"]`,
  `connect = { "${CANARY}.test" = "127.0.0.1:1" }`,
  "[[blind.connections]]",
  "allow = true",
  `host = "*.${CANARY}.test"`,
  `host = "/${CANARY}(/"`,
  `paths = ["/${CANARY}"]`,
];

/** Any text gives problems of kind "config", and none of them shows a part of it that could be a value. */
export const configuration: FuzzTarget = {
  name: "config",
  inputs: fc.array(fc.constantFrom(...LINES), { maxLength: 10 }).map((lines) =>
    new TextEncoder().encode(lines.join("\n"))
  ),
  dictionary: [
    CANARY,
    '"',
    "'",
    '"""',
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "=",
    ".",
    "#",
    "\n",
    "${",
    "}",
    "\\u0041",
    "inf",
    "1e9",
  ],
  async check(input) {
    const text = new TextDecoder().decode(input);
    // Names are told, so that a similar one can be proposed; values are not.
    if (CANARY_AS_NAME_REGEXP.test(text)) return false;
    const problems = await problemsOf({ project: text });
    for (const problem of problems) {
      assert.ok(problem instanceof AppError && problem.kind === "config");
      const shown = [problem.message, ...problem.hints, String(problem.cause ?? "")].join("\n");
      assert.ok(!shown.toLowerCase().includes(CANARY.toLowerCase()), `shown: ${shown}`);
    }
    return problems.length === 0;
  },
};
