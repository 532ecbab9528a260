import assert from "node:assert/strict";
import fc from "fast-check";
import type { Issuer, Policy } from "./bundle.ts";
import { patternsOverlap } from "./patterns_overlap.ts";
import { policyWarnings } from "./policy_warnings.ts";
import { matchesRef, parseRefPattern, parseResourceRef } from "./resource_ref.ts";
import { resource } from "./testing/policy_input.ts";

function issuer(name: string, type: Issuer["type"]): Issuer {
  return {
    name,
    type,
    issuerUrl: `https://${name}.example`,
    audiences: ["keyzero"],
    map: new Map([["org", ["org"]], ["service", ["service"]], ["env", ["env"]], ["branch", ["ref"]], ["actor", [
      "sub",
    ]]]),
    keys: { kind: "static", keys: [] },
  };
}

const RESOURCES = [resource("github/pat"), resource("aws/**"), resource("team/*/db")];
const ISSUERS = [issuer("internal", "custom")];
const PUBLIC = [...ISSUERS, issuer("gh", "github-actions")];

type Row = readonly [effect: "allow" | "deny", rule: string];

function warningsOf(rows: readonly Row[], issuers: readonly Issuer[] = ISSUERS): string[] {
  const policies: Policy[] = rows.map(([effect, rule], i) => ({ name: `p${i}`, effect, rule }));
  return policyWarnings({ policies, issuers, resources: RESOURCES }).map(({ policy, index, text }) => {
    assert.equal(policy, `p${index}`);
    return `${policy} ${text}`;
  });
}

const OK = 'service == "agent" && ref == "github/pat"';
const NEVER = "it is never true";
const FAILS = "it fails or gives no boolean";
const NO_RESOURCE = "it is never true, since no resource of the bundle fits its ref";
const NO_ISSUER = "it is never true, since no issuer of the bundle has that name";
const NO_FIELD = "it is never true, since no issuer of the bundle maps that field";
const PART = "a part of it is never true, since no resource";
const EVERYTHING = "it allows every caller everything";
const ANYBODY = "it allows every caller of every issuer";
const CONTEXT = "it allows by what the caller says of itself (context)";
const ACCOUNT = 'everybody with an account at the issuer "gh" can meet it';
const RESOLVE = "it reads request, which resolve does not have";
const TOKEN = "a token of resolve is used without asking it again";
const DENIES_CONTEXT = "it denies by what the caller says of itself";
const UNREACHED = (name: string) => `it is never reached, since policy "${name}" decides before it`;

const WARNINGS: readonly [
  why: string,
  rows: readonly Row[],
  expected: readonly string[],
  issuers?: readonly Issuer[],
][] = [
  ["nothing of a plain rule", [["allow", OK]], []],
  ["nothing of no rule", [], []],
  ["nothing of a rule to deny everything", [["allow", OK], ["deny", "true"]], []],

  ["a rule that is false", [["allow", "false"]], [`p0 ${NEVER}`]],
  ["a rule that is false by its constants", [["allow", '1 == 2 && service == "x"']], [`p0 ${NEVER}`]],
  ["a rule that asks two things of one text", [["allow", 'service == "a" && service == "b"']], [`p0 ${NEVER}`]],
  ["a rule that asks for a ref beside its glob", [["allow", 'ref == "github/pat" && glob("aws/**", ref)']], [
    `p0 ${NEVER}`,
  ]],
  ["a rule whose alternatives all are false", [["allow", 'false || (service == "a" && !true)']], [`p0 ${NEVER}`]],
  ["nothing where an alternative is not", [["allow", 'service == "a" || service == "b"']], []],
  ["a rule that divides by zero", [["allow", "1 / 0 == 1"]], [`p0 ${FAILS}`]],
  ["a rule that is a text", [["allow", "service"]], [`p0 ${FAILS}`]],
  ["a rule that is a sum", [["allow", 'service + "x"']], [`p0 ${FAILS}`]],
  ["a rule that is a size", [["allow", "size(groups)"]], [`p0 ${FAILS}`]],

  ["a rule after one that is true", [["deny", "true"], ["allow", OK]], [`p1 ${UNREACHED("p0")}`]],
  ["a rule after one that fails", [["deny", "1 / 0 == 1"], ["allow", OK]], [`p0 ${FAILS}`, `p1 ${UNREACHED("p0")}`]],
  ["a rule after one that is a text", [["deny", "service"], ["allow", OK]], [`p0 ${FAILS}`, `p1 ${UNREACHED("p0")}`]],
  ["a rule that is there twice", [["allow", OK], ["deny", OK]], [`p1 ${UNREACHED("p0")}`]],
  ["a rule that is there in other blanks", [["allow", OK], ["deny", `  ${OK.replaceAll(" ", "  ")}`]], [
    `p1 ${UNREACHED("p0")}`,
  ]],
  ["nothing where a literal differs", [["allow", OK], ["allow", OK.replace("agent", "other")]], []],
  ["nothing where a number differs", [["allow", "claims.n == 1"], ["allow", "claims.n == 2"]], []],

  ["a ref that no resource has", [["allow", 'service == "a" && ref == "github/pta"']], [`p0 ${NO_RESOURCE}`]],
  ["a ref of another case", [["allow", 'service == "a" && ref == "GitHub/pat"']], [`p0 ${NO_RESOURCE}`]],
  ["a ref that is not canonical", [["allow", 'service == "a" && ref == "github//pat"']], [`p0 ${NO_RESOURCE}`]],
  ["a glob that is compared as a text", [["allow", 'service == "a" && ref == "aws/*"']], [`p0 ${NO_RESOURCE}`]],
  ["refs that no resource has", [["allow", 'service == "a" && ref in ["x", "y"]']], [`p0 ${NO_RESOURCE}`]],
  ["a glob that no resource fits", [["allow", 'service == "a" && glob("gitlab/**", ref)']], [`p0 ${NO_RESOURCE}`]],
  ["a glob without a star", [["allow", 'service == "a" && glob("gitlab", ref)']], [`p0 ${NO_RESOURCE}`]],
  ["a beginning that no resource has", [["allow", 'service == "a" && ref.startsWith("gitlab/")']], [
    `p0 ${NO_RESOURCE}`,
  ]],
  ["an alternative that no resource fits", [["allow", 'service == "a" && (ref == "x" || ref == "github/pat")']], [
    `p0 ${PART}`,
  ]],
  ["nothing of a ref below a glob", [["allow", 'service == "a" && ref == "aws/x/y"']], []],
  ["nothing of a glob within a glob", [["allow", 'service == "a" && glob("aws/prod/**", ref)']], []],
  ["nothing of a glob across a glob", [["allow", 'service == "a" && glob("team/x/*", ref)']], []],
  ["nothing of a beginning within a glob", [["allow", 'service == "a" && ref.startsWith("aws/prod/")']], []],
  ["nothing of a ref that must not be", [["allow", 'service == "a" && ref != "x"']], []],
  ["an issuer that is not there", [["allow", 'issuer == "intern" && service == "a"']], [`p0 ${NO_ISSUER}`]],
  ["an issuer that is not there, turned round", [["allow", '"intern" == issuer && service == "a"']], [
    `p0 ${NO_ISSUER}`,
  ]],
  ["issuers that are not there", [["allow", 'issuer in ["x", "y"] && service == "a"']], [`p0 ${NO_ISSUER}`]],
  ["nothing of an issuer that is there", [["allow", 'issuer == "internal" && service == "a"']], []],
  ["a field that no issuer maps", [["allow", 'action == "deploy"']], [`p0 ${NO_FIELD}`]],
  ["nothing of such a field that must be empty", [["allow", 'action == "" && service == "a"']], []],

  ["an allow rule that is true", [["allow", "true"]], [`p0 ${EVERYTHING}`]],
  ["an allow rule that is true by its constants", [["allow", '1 < 2 || service == "x"']], [`p0 ${EVERYTHING}`]],
  ["an allow rule about the ref alone", [["allow", 'ref == "github/pat"']], [`p0 ${ANYBODY}`]],
  ["an allow rule about the ref against itself", [["allow", "ref == ref"]], [`p0 ${ANYBODY}`]],
  ["an allow rule with an alternative about the ref alone", [["allow", `${OK} || glob("aws/**", ref)`]], [
    `p0 ${ANYBODY}`,
  ]],
  ["an allow rule about the request alone", [["allow", 'has(request.host) && request.host == "x.y"']], [
    `p0 ${ANYBODY}`,
  ]],

  ["a rule that everybody at a public issuer can meet", [["allow", 'env == "prod"']], [`p0 ${ACCOUNT}`], PUBLIC],
  ["a rule about a branch at a public issuer", [["allow", 'issuer == "gh" && branch == "refs/heads/main"']], [
    `p0 ${ACCOUNT}`,
  ], PUBLIC],
  ["a rule about a public issuer alone", [["allow", 'issuer in ["internal", "gh"]']], [`p0 ${ACCOUNT}`], PUBLIC],
  ["nothing of a rule about another issuer", [["allow", 'issuer == "internal" && env == "prod"']], [], PUBLIC],
  ["nothing of a rule about an org", [["allow", 'issuer == "gh" && org == "acme"']], [], PUBLIC],
  ["nothing of a rule about a claim", [["allow", 'claims.repository_id == "1"']], [], PUBLIC],

  ["request without has()", [["allow", `${OK} && request.host == "x.y"`]], [`p0 ${RESOLVE}`]],
  ["request by index without has()", [["allow", `${OK} && request["host"] == "x.y"`]], [`p0 ${RESOLVE}`]],
  ["request with has() of another side", [[
    "allow",
    `(${OK} || has(request.host)) && service == "a" && request.host == "x.y"`,
  ]], [`p0 ${RESOLVE}`]],
  ["nothing of request with has()", [["allow", `${OK} && has(request.host) && request.host == "x.y"`]], []],
  ["nothing of request after has()", [["allow", `${OK} && request.host == "x.y" && has(request.host)`]], []],
  ["nothing of request in a condition", [["allow", `${OK} && (has(request.host) ? request.host == "x.y" : true)`]], []],
  ["nothing of request where it must be empty", [["allow", `${OK} && request == {}`]], []],
  ["a deny rule on request with has()", [["deny", 'has(request.host) && request.host == "x.y"'], ["allow", OK]], [
    `p0 ${TOKEN}`,
  ]],
  ["a deny rule on request without has()", [["deny", 'request.host == "x.y"'], ["allow", OK]], [`p0 ${RESOLVE}`]],
];
const CONTEXTS: typeof WARNINGS = [
  ["context alone", [["allow", "context.admin == true"]], [`p0 ${CONTEXT}`]],
  ["context and a ref", [["allow", 'context.user == "alice" && ref == "github/pat"']], [`p0 ${CONTEXT}`]],
  ["context as an alternative", [["allow", `${OK} || context.admin`]], [`p0 ${CONTEXT}`]],
  ["context in a negation", [["allow", `!(service != "agent" && !context.admin)`]], [`p0 ${CONTEXT}`]],
  ["context in a condition", [["allow", `context.admin ? true : ${OK}`]], [`p0 ${CONTEXT}`]],
  ["context in the condition of both", [["allow", `context.a ? ref == "github/pat" : ref == "aws/x"`]], [
    `p0 ${CONTEXT}`,
  ]],
  ["context against the identity", [["allow", "context.user == actor"]], [`p0 ${CONTEXT}`]],
  ["context in groups", [["allow", "context.team in groups"]], [`p0 ${CONTEXT}`]],
  ["context in a comprehension", [["allow", "groups.exists(g, g == context.team)"]], [`p0 ${CONTEXT}`]],
  ["context as the name of a claim", [["allow", 'claims[context.key] == "x"']], [`p0 ${CONTEXT}`]],
  ["context as a pattern", [["allow", "glob(context.pattern, ref)"]], [`p0 ${CONTEXT}`]],
  ["context by index", [["allow", 'context["admin"]']], [`p0 ${CONTEXT}`]],
  ["context that is there", [["allow", "has(context.admin)"]], [`p0 ${CONTEXT}`]],
  ["context in a text", [["allow", 'context.user + "x" == "alicex"']], [`p0 ${CONTEXT}`]],
  ["a variable named by a comprehension over it", [["allow", 'context.l.exists(x, x == "a")']], [`p0 ${CONTEXT}`]],
  ["no context beside the identity", [["allow", `${OK} && context.reason != ""`]], []],
  [
    "no context in each of two alternatives",
    [["allow", 'service == "a" && context.x || service == "b" && !context.y']],
    [],
  ],
  ["no context in a condition of identities", [["allow", 'context.x ? service == "a" : service == "b"']], []],
  ["context to deny by", [["deny", "has(context.bad) && context.bad"], ["allow", OK]], [`p0 ${DENIES_CONTEXT}`]],
  [
    "no context to deny by beside it",
    [["deny", 'service == "x" || has(context.bad) && context.bad'], ["allow", OK]],
    [],
  ],
];
for (const [why, rows, expected, issuers] of WARNINGS) {
  Deno.test(`policyWarnings() tells ${why} [S-3.12]`, () => check(rows, expected, issuers));
}
for (const [why, rows, expected, issuers] of CONTEXTS) {
  Deno.test(`TM-37 policyWarnings() tells ${why} [S-3.12]`, () => check(rows, expected, issuers));
}

function check(rows: readonly Row[], expected: readonly string[], issuers: readonly Issuer[] | undefined): void {
  const found = warningsOf(rows, issuers);
  assert.equal(found.length, expected.length, found.join("\n"));
  for (const [i, text] of expected.entries()) {
    assert.ok(found[i]!.startsWith(text), `${found[i]} begins with ${text}`);
    assert.match(found[i]!, /: .*[^.]$/);
  }
}

Deno.test("policyWarnings() repeats nothing of a rule [S-3.12]", () => {
  const canary = "ghp_canary0123456789";
  const rules = [`issuer == "${canary}"`, `ref == "${canary}"`, `action == "${canary}"`, `context.x == "${canary}"`];
  const found = warningsOf(rules.map((rule) => ["allow", rule]));
  assert.equal(found.length, 4);
  assert.ok(!found.join().includes(canary));
});

Deno.test("patternsOverlap() finds a pattern that a ref of the other fits [S-3.12]", () => {
  const segment = fc.constantFrom("a", "b", "ab", "*", "a*", "*b", "**");
  const joined = fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => parseRefPattern(all.join("/")));
  const refs = fc.array(fc.constantFrom("a", "b", "ab", "aab"), { minLength: 1, maxLength: 4 })
    .map((all) => parseResourceRef(all.join("/")));
  let both = 0;
  fc.assert(
    fc.property(joined, joined, refs, (a, b, ref) => {
      assert.equal(patternsOverlap(a, b), patternsOverlap(b, a));
      if (!matchesRef(a, ref) || !matchesRef(b, ref)) return;
      both++;
      assert.ok(patternsOverlap(a, b), `${a} ${b} ${ref}`);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(both > 50);
});

const APART: readonly [a: string, b: string][] = [
  ["a/*", "b/*"],
  ["a/*", "a/b/c"],
  ["a/x*", "a/*y/z"],
  ["*/a", "*/b"],
  ["a*b", "a*c"],
  ["a/**/b", "a/**/c"],
];
for (const [a, b] of APART) {
  Deno.test(`patternsOverlap() tells ${a} and ${b} apart [S-3.12]`, () => {
    assert.equal(patternsOverlap(parseRefPattern(a), parseRefPattern(b)), false);
  });
}
