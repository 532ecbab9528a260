import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../policy/error.ts";
import type { Policy } from "../../../policy/server/bundle.ts";
import { PolicySet } from "../../../policy/server/policy_set.ts";
import { Rule, type RuleOutcome } from "../../../policy/server/rule.ts";
import { bindingsOf } from "../../../policy/server/rule_bindings.ts";
import { IDENTITY, policyInput, REQUEST } from "../../../policy/server/testing/policy_input.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** Far above what a decision takes, on a machine that does other things as well. */
const MAX_MS = 5_000;
/** Is not in the input, and is made a member of every object's prototype. */
const INHERITED = "inherited";

const ATOMS = [
  ...["true", "false", "1", '"x"', "null", "[]", "{}", 'service == "agent"', 'service == "x"', 'ref == "github/pat"'],
  ...[
    'glob("github/*", ref)',
    'glob("a/**", ref)',
    'ref.startsWith("git")',
    '"dev" in groups',
    'issuer in ["gh", "x"]',
  ],
  ...['claims.repository == "acme/shop"', 'claims["repository"] == "x"', "claims.missing == 1", "claims.run == 3"],
  ...['has(request.host) && request.host == "api.github.com"', 'request.method == "GET"', "context.reason", "context"],
  ...["claims.constructor", '"__proto__" in claims', "has(claims.toString)", "claims.list[0] == 1", "groups"],
  ...[`claims.${INHERITED}`, `has(context.${INHERITED})`, `"${INHERITED}" in claims`, `context["${INHERITED}"]`],
  ...[
    "claims.list.exists(x, x == 1)",
    "groups.all(g, groups.exists(h, h == g))",
    'actor.matches("a.*e")',
    "size(claims)",
  ],
];
const { rule } = fc.letrec<{ rule: string }>((tie) => ({
  rule: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie("rule"), fc.constantFrom(" && ", " || ", " == ", " in ", " + ", " < "), tie("rule"))
      .map(([left, operator, right]) => `(${left}${operator}${right})`),
    tie("rule").map((inner) => `!(${inner})`),
    fc.tuple(tie("rule"), tie("rule"), tie("rule")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
}));

const INPUTS = [policyInput(), policyInput({ request: REQUEST, ref: "a", context: { list: [IDENTITY.claims] } })];

/**
 * TM-32: any rules give an outcome in a short time; what no object has of its own is no part of it; and the set decides as
 * it would by evaluating one rule after the other. A rule a line.
 */
export const rules: FuzzTarget = {
  name: "rule",
  inputs: fc.array(rule, { minLength: 1, maxLength: 4 }).map((lines) => new TextEncoder().encode(lines.join("\n"))),
  dictionary: [
    ...ATOMS,
    "&&",
    "||",
    "!",
    "?",
    ":",
    ".",
    "(",
    ")",
    "[",
    "]",
    "\n",
    "\\",
    '"',
    "'",
    "r'",
    "b'",
    "9".repeat(20),
  ],
  check(input) {
    const sources = new TextDecoder().decode(input).split("\n").slice(0, 6);
    const started = performance.now();
    const compiled = sources.map(compile).filter((one) => one !== undefined);
    const policies = compiled.map(({ source }, at): Policy => ({
      name: `p${at}`,
      effect: at % 2 === 0 ? "allow" : "deny",
      rule: source,
    }));
    const set = new PolicySet(policies);
    for (const input of INPUTS) {
      const bindings = bindingsOf(input);
      const outcomes = compiled.map((one) => one.evaluate(bindings));
      assert.deepEqual(withInheritedMember(() => compiled.map((one) => one.evaluate(bindings))), outcomes);
      assert.deepEqual(set.decide(input), decidedBy(policies, outcomes));
    }
    assert.ok(performance.now() - started < MAX_MS, "it took long");
    return compiled.length > 0;
  },
};

function compile(source: string): Rule | undefined {
  try {
    return Rule.compile(source);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "BUNDLE_RULE_INVALID", String(error));
    assert.equal(error.cause, undefined);
    return undefined;
  }
}

function withInheritedMember<T>(use: () => T): T {
  const value = { value: true, configurable: true };
  Object.defineProperty(Object.prototype, INHERITED, value);
  try {
    return use();
  } finally {
    Reflect.deleteProperty(Object.prototype, INHERITED);
  }
}

function decidedBy(policies: readonly Policy[], outcomes: readonly RuleOutcome[]): ReturnType<PolicySet["decide"]> {
  const at = outcomes.findIndex((outcome) => outcome !== false);
  const [policy, outcome] = [policies[at], outcomes[at]];
  if (policy === undefined || outcome === undefined) return { effect: "deny", policy: "default-deny" };
  if (outcome === true) return { effect: policy.effect, policy: policy.name };
  return { effect: "deny", policy: policy.name, fault: outcome || "error" };
}
