import assert from "node:assert/strict";
import fc from "fast-check";
import type { Policy } from "./bundle.ts";
import { type PolicyDecision, type PolicyInput, PolicySet } from "./policy_set.ts";
import { IDENTITY, policyInput, REQUEST } from "./testing/policy_input.ts";

function policies(...rows: readonly (readonly [name: string, effect: "allow" | "deny", rule: string])[]): Policy[] {
  return rows.map(([name, effect, rule]) => ({ name, effect, rule }));
}

const EVERYTHING = ["everything", "allow", "true"] as const;
const DECISIONS: readonly [why: string, policies: Policy[], expected: PolicyDecision, input?: PolicyInput][] = [
  ["no policy", [], { effect: "deny", policy: "default-deny" }],
  ["no policy that matches", policies(["a", "allow", 'service == "x"']), { effect: "deny", policy: "default-deny" }],
  ["one that allows", policies(["a", "allow", 'service == "agent"']), { effect: "allow", policy: "a" }],
  ["a denial before it", policies(["d", "deny", 'org == "acme"'], EVERYTHING), { effect: "deny", policy: "d" }],
  ["a denial after it", policies(EVERYTHING, ["d", "deny", "true"]), { effect: "allow", policy: "everything" }],
  ["one after others", policies(["a", "allow", "false"], ["d", "deny", "false"], EVERYTHING), {
    effect: "allow",
    policy: "everything",
  }],
  ["request.host in a fetch", policies(["a", "allow", 'request.host == "api.github.com"']), {
    effect: "allow",
    policy: "a",
  }, policyInput({ request: REQUEST })],
];
for (const [why, set, expected, input = policyInput()] of DECISIONS) {
  Deno.test(`PolicySet.decide() takes ${expected.effect} of ${expected.policy} for ${why} [S-3.2]`, () => {
    assert.deepEqual(new PolicySet(set).decide(input), expected);
  });
}

const FAULTY: readonly [why: string, rule: string, fault: "error" | "not-boolean"][] = [
  ["a missing key", "claims.other == 1", "error"],
  ["a wrong type", 'claims.run < "x"', "error"],
  ["a division by zero", "1 / int(claims.run - 3.0) == 1", "error"],
  ["an overflow", "9223372036854775807 + int(claims.run) > 0", "error"],
  ["a pattern that is not valid", 'glob("github/" + claims.repository + "//", ref)', "error"],
  ["no time", "timestamp(service) == timestamp(service)", "error"],
  ["request.host in a resolve", 'request.host == "api.github.com"', "error"],
  ["too many steps", "context.l.all(a, context.l.all(b, true))", "error"],
  ["a text", "service", "not-boolean"],
  ["a claim that is a number", "claims.run", "not-boolean"],
  ["null", "claims.nothing", "not-boolean"],
];
for (const [why, rule, fault] of FAULTY) {
  for (const effect of ["allow", "deny"] as const) {
    Deno.test(`TM-32 PolicySet.decide() denies at once for ${why} in a rule to ${effect} [S-3.4]`, () => {
      const input = policyInput({ context: { l: Array.from({ length: 1_000 }, () => 0), reason: "x" } });
      const set = new PolicySet(policies(["before", "allow", "false"], ["faulty", effect, rule], EVERYTHING));
      assert.deepEqual(set.decide(input), { effect: "deny", policy: "faulty", fault });
    });
  }
}

Deno.test("TM-32 PolicySet refuses an unknown name and a bad expression before anything is asked [S-3.4]", () => {
  for (const rule of ["unknown(service)", "serivce == service", 'service.matches("[")', 'glob("a//b", ref)']) {
    assert.throws(() => new PolicySet(policies(["bad", "allow", rule], EVERYTHING)), { code: "BUNDLE_RULE_INVALID" });
  }
});

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let i = 1; i < levels; i++) value = { value };
  return value;
}

const OVERSIZE: readonly [why: string, json: Record<string, unknown>, fits: boolean][] = [
  ["32 levels", nested(32), true],
  ["33 levels", nested(33), false],
  ["10,000 levels", nested(10_000), false],
  ["4,096 values", { list: Array.from({ length: 4_094 }, () => 0) }, true],
  ["4,097 values", { list: Array.from({ length: 4_095 }, () => 0) }, false],
  ["a text of 65,536 characters", { text: "x".repeat(65_536) }, true],
  ["a text of 65,537 characters", { text: "x".repeat(65_537) }, false],
  ["a key of 65,537 characters", { ["x".repeat(65_537)]: 1 }, false],
  ["NaN", { number: NaN }, false],
  ["a bigint", { number: 1n }, false],
  ["undefined", { value: undefined }, false],
  ["a function", { value: () => true }, false],
  ["an object of a class", { value: new Map() }, false],
];
for (const [why, json, fits] of OVERSIZE) {
  for (const where of ["context", "claims"] as const) {
    Deno.test(`PolicySet.decide() ${fits ? "takes" : "denies"} ${why} in ${where} [S-3.9]`, () => {
      const input = where === "context"
        ? policyInput({ context: json })
        : policyInput({ identity: { ...IDENTITY, claims: json } });
      assert.deepEqual(
        new PolicySet(policies(EVERYTHING)).decide(input),
        fits ? { effect: "allow", policy: "everything" } : { effect: "deny", policy: "default-deny", fault: "error" },
      );
    });
  }
}

// Names that mean something to JavaScript, as JSON.parse() makes them: own keys.
const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "$typeName", "then", "size"];
for (const name of NAMES) {
  Deno.test(`PolicySet.decide() takes the name ${name} for a key like any other [S-3.9]`, () => {
    const context = JSON.parse(`{"inner": {"${name}": {"admin": true}}, "${name}": "text"}`);
    const rule = `!has(context.admin) && !has(context.inner.admin) && context["${name}"] == "text" &&
      context.inner["${name}"].admin && size(context) == 2 && size(context.inner) == 1 && !has(claims["${name}"].admin)`;
    const claims = JSON.parse(`{"${name}": {}}`);
    const set = new PolicySet(policies(["a", "allow", rule]));
    assert.deepEqual(set.decide(policyInput({ context, identity: { ...IDENTITY, claims } })), {
      effect: "allow",
      policy: "a",
    });
    assert.ok(!("admin" in Object.prototype));
  });
}

Deno.test("PolicySet.decide() never throws and changes nothing, whatever claims and context are [S-3.9]", () => {
  const set = new PolicySet(policies(
    ["a", "deny", 'has(claims.a) && claims.a.b[0] < context.c && "x" in context.d'],
    ["b", "deny", "groups.exists(g, g == context.a) || context.b.all(k, claims[k] == context[k])"],
    ["c", "deny", 'glob("a/" + context.p, ref) || context == claims'],
    EVERYTHING,
  ));
  const key = fc.oneof(fc.constantFrom("a", "b", "c", "d", "p", "__proto__", "constructor"), fc.string());
  const json = fc.dictionary(key, fc.jsonValue({ maxDepth: 5 }), { maxKeys: 6 });
  fc.assert(
    fc.property(json, json, fc.array(fc.string()), (claims, context, groups) => {
      const before = JSON.stringify([claims, context]);
      const { effect, policy } = set.decide(policyInput({ context, identity: { ...IDENTITY, claims, groups } }));
      assert.ok((effect === "allow") === (policy === "everything"));
      assert.equal(JSON.stringify([claims, context]), before);
    }),
    { numRuns: 500 },
  );
});
