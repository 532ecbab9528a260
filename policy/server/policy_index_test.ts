import assert from "node:assert/strict";
import fc from "fast-check";
import { PolicyIndex } from "./policy_index.ts";
import { Rule } from "./rule.ts";
import { bindingsOf, type PolicyInput } from "./rule_bindings.ts";
import { IDENTITY, policyInput } from "./testing/policy_input.ts";

function candidates(rules: readonly string[], input: PolicyInput = policyInput()): readonly number[] {
  return new PolicyIndex(rules.map((rule) => Rule.compile(rule))).candidates(bindingsOf(input), input.identity.claims);
}

const FOUND: readonly [why: string, rules: readonly string[], expected: readonly number[], input?: PolicyInput][] = [
  ["no rule", [], []],
  ["a variable that is another text", ['service == "x"', 'service == "agent"'], [1]],
  ["a literal before its variable", ['"x" == service', '"agent" == service'], [1]],
  ["a ref that is another", ['ref == "a"', 'ref == "github/pat"'], [1]],
  ["a beginning", ['ref.startsWith("gitlab")', 'ref.startsWith("git")', 'ref.startsWith("github/")'], [1, 2]],
  ["a glob", ['glob("a/**", ref)', 'glob("github/*", ref)', 'glob("github/pat", ref)', 'glob("**", ref)'], [1, 2, 3]],
  ["a glob that fits what stands before it", ['glob("a/**", ref)'], [0], policyInput({ ref: "a" })],
  ["a claim that is another text", ['claims.repository == "x"', 'claims["repository"] == "acme/shop"'], [1]],
  ["a claim that is a number", ['claims.run == "x"'], [0]],
  ["a claim that is missing", ['claims.other == "x"'], [0]],
  ["a claim that every object has", ['claims.toString == "x"'], [0]],
  ["whether a claim is there", ["has(claims.repository)"], [0]],
  ["one side of &&", ['claims.other == 1 && env == "x"', 'env == "prod" && claims.other == 1'], [1]],
  ["both sides of &&, the rarer one", ['env == "prod" && org == "a"', 'env == "prod" && org == "acme"'], [1]],
  ["||", ['env == "x" || org == "y"'], [0]],
  ["!", ['!(env == "prod")'], [0]],
  ["context, which may have errors", ['context.reason == "x"'], [0]],
  ["order", ["true", 'env == "prod"', 'ref == "github/pat"', 'org == "acme"', "false"], [0, 1, 2, 3, 4]],
];
for (const [why, rules, expected, input] of FOUND) {
  Deno.test(`PolicyIndex.candidates() finds the rules to evaluate, with ${why} [S-3.2]`, () => {
    assert.deepEqual(candidates(rules, input), expected);
  });
}

const TEXTS = ["agent", "acme", "prod", "github", "github/pat", "github/pat/a", "a", ""] as const;
const literal = fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text));
const text = fc.constantFrom(
  "service",
  "org",
  "env",
  "ref",
  "claims.repository",
  'claims["org"]',
  "claims.run",
  "claims.other",
);
const atom = fc.oneof(
  fc.tuple(text, literal).map(([a, b]) => `${a} == ${b}`),
  fc.tuple(text, literal).map(([a, b]) => `${b} == ${a}`),
  fc.tuple(text, literal).map(([a, b]) => `${a}.startsWith(${b})`),
  fc.constantFrom('glob("github/**", ref)', 'glob("a/*", ref)', 'glob("git*", ref)', 'glob("github/pat", ref)'),
  fc.constantFrom("true", "false", "has(claims.org)", "1 / 0 == 1", "service"),
);
const rule = fc.letrec<{ rule: string; both: string }>((tie) => ({
  both: fc.tuple(tie("rule"), fc.constantFrom("&&", "||"), tie("rule")).map(([a, op, b]) => `(${a}) ${op} (${b})`),
  rule: fc.oneof({ depthSize: "small" }, atom, tie("both"), tie("rule").map((inner) => `!(${inner})`)),
})).rule;
const input = fc.record({
  ref: fc.constantFrom("github/pat", "github", "a", "a/b", "agent"),
  claims: fc.dictionary(
    fc.constantFrom("repository", "org", "run", "toString", "__proto__"),
    fc.oneof(fc.constantFrom(...TEXTS), fc.integer(), fc.constant(null)),
  ),
  service: fc.constantFrom(...TEXTS),
});

Deno.test("TM-32 PolicyIndex.candidates() leaves out only rules that are false [S-3.4]", () => {
  const compiles = (source: string) => {
    try {
      return [Rule.compile(source)];
    } catch {
      return [];
    }
  };
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), input, (sources, { ref, claims, service }) => {
      const rules = sources.flatMap(compiles);
      const asked = policyInput({ ref, identity: { ...IDENTITY, service, claims } });
      const bindings = bindingsOf(asked);
      const found = new PolicyIndex(rules).candidates(bindings, claims);
      assert.deepEqual(found, [...new Set(found)].sort((a, b) => a - b));
      for (const [number, one] of rules.entries()) {
        if (!found.includes(number)) assert.equal(one.evaluate(bindings), false, one.source);
      }
    }),
    { numRuns: 2_000 },
  );
});
