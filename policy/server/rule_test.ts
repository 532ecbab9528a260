// Longer than 300 lines: tables of what rules say and of what is refused, a row for each.
import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { bindingsOf, identityBindings } from "./rule_bindings.ts";
import { guardOf } from "./rule_guard.ts";
import { compileCel } from "./compile_cel.ts";
import { Rule, type RuleOutcome } from "./rule.ts";
import { VARIABLES } from "./rule_environment.ts";
import { IDENTITY, policyInput, REQUEST } from "./testing/policy_input.ts";

const RESOLVE = bindingsOf(policyInput());
const FETCH = bindingsOf(policyInput({ request: REQUEST }));

const OUTCOMES: readonly [why: string, source: string, expected: RuleOutcome][] = [
  ["the example of the design", 'service == "agent" && ref == "github/pat"', true],
  ["another service", 'service == "other" && ref == "github/pat"', false],
  ["a number of a claim against an int", "claims.run == 3", true],
  ["a number of a claim against a uint", "claims.run == 3u", true],
  ["a number of a claim against a double", "claims.run == 3.0", true],
  ["the type of a number", "type(claims.run) == double", true],
  ["the largest whole number of JSON", "claims.big == 9007199254740991", true],
  ["a list within a claim", 'claims.list[1] == "two" && claims.list[2].three', true],
  ["a claim whose value is null is there", "has(claims.nothing) && claims.nothing == null", true],
  ["a key whose value is null is in its map", '"nothing" in claims', true],
  ["a claim that is not there", "has(claims.other)", false],
  [
    "a claim of the prototype is not there",
    "has(claims.constructor) || has(claims.__proto__) || has(claims.toString)",
    false,
  ],
  ["a group", '"ops" in groups', true],
  ["groups by a comprehension", 'groups.exists(g, g.startsWith("de"))', true],
  ["both sides of an error", "claims.other == 1 || true", true],
  ["an error that false decides", "claims.other == 1 && false", false],
  ["a glob", 'glob("github/*", ref)', true],
  ["a glob of no segment", 'glob("github/pat/**", ref)', true],
  ["a glob that does not fit", 'glob("gitlab/**", ref)', false],
  ["a glob with a spliced text", 'glob("github/" + "p" + "*", ref)', true],
  ["a glob with a spliced variable", 'glob("git" + "hub/**", ref) && !glob(service + "/**", ref)', true],
  ["an expression", 'branch.matches("^(main|release/.*)$")', true],
  ["an expression is not anchored", 'branch.matches("ai")', true],
  ["a time", 'timestamp("2024-01-01T00:00:00Z") < timestamp("2025-01-01T00:00:00Z")', true],
  ["the type of a time", 'type(timestamp("2024-01-01T00:00:00Z")) == google.protobuf.Timestamp', true],
  ["request is empty for a resolve", "request == {}", true],
  ["has() of request for a resolve", "has(request.host)", false],
  ["context", 'context.reason == "test"', true],
];
for (const [why, source, expected] of OUTCOMES) {
  Deno.test(`Rule.evaluate() gives ${expected} for ${why} [S-3.2]`, () => {
    assert.equal(Rule.compile(source).evaluate(RESOLVE), expected);
  });
}

Deno.test("Rule.evaluate() reads host, method and path of a fetch [S-3.3]", () => {
  const rule = Rule.compile(
    'request.host == "api.github.com" && request.method == "GET" && request["path"] == "/repos"',
  );
  assert.equal(rule.evaluate(FETCH), true);
  assert.equal(rule.evaluate(RESOLVE), "error");
  assert.deepEqual([...rule.reads].sort(), ["request.host", "request.method", "request.path"]);
});

const FAULTS: readonly [why: string, source: string, expected: RuleOutcome][] = [
  ["a missing key", "claims.other == 1", "error"],
  ["a missing key of the prototype", 'claims.constructor != ""', "error"],
  ["a missing key by index", 'claims["other"] == 1', "error"],
  ["a field of a number", "claims.run.x == 1", "error"],
  ["has() of a field of a text", "has(claims.repository.x)", "error"],
  ["a key in a number", '"x" in claims.run', "error"],
  ["an order of two types", "claims.repository < 3", "error"],
  ["a sum of two types", 'claims.repository + 1 == ""', "error"],
  ["a condition that is no boolean", "claims.run ? true : false", "error"],
  ["a negation that is no boolean", "!claims.run", "error"],
  ["a conjunction with a text", "service && true", "error"],
  ["a disjunction with a text", "service || false", "error"],
  ["a division by zero", "1 / int(claims.run - 3.0) == 1", "error"],
  ["a remainder by zero", "1 % int(claims.run - 3.0) == 1", "error"],
  ["an overflow", "9223372036854775807 + int(claims.run) > 0", "error"],
  ["an overflow of a uint", "uint(claims.run) - 4u > 0u", "error"],
  ["a conversion of a text that is no number", "int(claims.repository) == 0", "error"],
  ["a conversion to double of a text that is no number", "double(claims.repository) < 1.0", "error"],
  ["a conversion of an empty text to int", 'int("") == 0', "error"],
  ["a conversion of hexadecimal", 'int("0x10") == 16', "error"],
  ["a conversion of an empty text to double", 'double("") == 0.0', "error"],
  ["an index outside of a list", 'groups[2] == "x"', "error"],
  ["a negative index", 'groups[-1] == "x"', "error"],
  ["a comprehension over a number", "claims.run.exists(x, true)", "error"],
  ["a function that has no such types", "size(claims.run) == 1", "error"],
  ["a method that has no such types", 'claims.run.startsWith("x")', "error"],
  ["an expression on a number", 'claims.run.matches("3")', "error"],
  ["a pattern that is not valid", 'glob("github/" + claims.repository + "//", ref)', "error"],
  ["a pattern that is a number", "glob(claims.run, ref)", "error"],
  ["a ref that is not canonical", 'glob("github/*", context.reason + "/../x")', "error"],
  ["a time that is none", "timestamp(service) == timestamp(service)", "error"],
  ["request.host without has()", 'request.host == "api.github.com"', "error"],
  ["request.host by index", 'request["host"] == "api.github.com"', "error"],
  ["a text", "service", "not-boolean"],
  ["a number", "claims.run", "not-boolean"],
  ["null", "claims.nothing", "not-boolean"],
  ["a list", "groups", "not-boolean"],
  ["a map", "claims", "not-boolean"],
  ["a type", "type(service)", "not-boolean"],
  ["the text true", '"true"', "not-boolean"],
  ["a time as result", 'timestamp("2024-01-01T00:00:00Z")', "not-boolean"],
];
for (const [why, source, expected] of FAULTS) {
  Deno.test(`TM-32 Rule.evaluate() gives ${expected} for ${why} [S-3.4]`, () => {
    assert.equal(Rule.compile(source).evaluate(RESOLVE), expected);
  });
}

const CANARY = "ghp_canary0123456789";
const REFUSED: readonly [why: string, source: string, message: RegExp][] = [
  ["nothing", "", /it is not CEL at line 1, column 1$/],
  ["blanks", " \n ", /it is not CEL/],
  ["half of a rule", "service ==", /it is not CEL/],
  ["a second rule", 'service == "a" service == "b"', /it is not CEL at line 1, column 16$/],
  ["an assignment", 'service = "a"', /it is not CEL/],
  ["an unknown variable", `service == ${CANARY}`, /a name is not one of a variable at line 1, column 12$/],
  ["an unknown variable on a later line", `service == "a" &&\n  ${CANARY}`, /at line 2, column 3$/],
  ["an unknown variable that other sides would hide", `true || ${CANARY}`, /a name is not one of a variable/],
  ["an unknown variable in a comprehension", `groups.exists(g, g == ${CANARY})`, /a name is not one of a variable/],
  ["the variable of a comprehension outside of it", "groups.exists(g, true) && g", /a name is not one of a variable/],
  ["a name of the prototype", "constructor == constructor", /a name is not one of a variable/],
  ["the library's own variable", "groups.exists(g, @result)", /it is not CEL/],
  ["an unknown function", `${CANARY}(service)`, /a function is not one that rules have/],
  ["an unknown method", `service.${CANARY}()`, /a function is not one that rules have/],
  ["our own function of another name", "@step(true)", /it is not CEL/],
  ["glob() with one argument", 'glob("a/*")', /another number of arguments/],
  ["glob() as a method", 'ref.glob("a/*")', /a function is not one that rules have/],
  ["matches() as a function", 'matches(service, "x")', /a function is not one that rules have/],
  ["a macro whose variable is a path", "groups.exists(g.x, true)", /a function is not one that rules have/],
  ["has() of no field", "has(service)", /a function is not one that rules have/],
  ["a field of a text", "service.name", /a field of a text is asked for/],
  ["a field that request does not have", "request.hots", /a field of request is not one that it has/],
  ["such a field by index", 'request["hots"]', /a field of request is not one that it has/],
  [
    "a comprehension variable that hides another",
    'groups.exists(service, service == "x")',
    /has the name of another variable/,
  ],
  ["a message", 'google.protobuf.StringValue{value: "x"}', /it makes a message/],
  ["the name of a message", "google.protobuf.StringValue", /a name is not one of a variable/],
  ["a pattern that is not valid", 'glob("a/../b", ref)', /a pattern of glob\(\) is not valid/],
  ["an expression that is not valid", 'service.matches("(")', /a regular expression is not valid/],
  ["an expression with look-ahead", 'service.matches("(?=a)")', /a regular expression is not valid/],
  ["an expression that is a claim", "service.matches(claims.x)", /a regular expression is not a literal/],
  ["an expression that is put together", 'service.matches("a" + service)', /a regular expression is not a literal/],
  [
    "an expression of 513 characters",
    `service.matches("${"a".repeat(513)}")`,
    /a regular expression is not a literal of at most 512/,
  ],
  ["an int that is too large", "claims.x == 9223372036854775808", /a number does not fit into 64 bits/],
  ["a uint that is too large", "claims.x == 18446744073709551616u", /a number does not fit into 64 bits/],
  ["4097 characters", `${" ".repeat(4093)}true`, /it is longer than 4096 characters/],
  ["1000 brackets", `${"(".repeat(1000)}true${")".repeat(1000)}`, /it is nested too deeply/],
  ["101 lists", `${"[".repeat(101)}${"]".repeat(101)} == []`, /it is nested too deeply/],
];
for (const [why, source, message] of REFUSED) {
  Deno.test(`Rule.compile() refuses ${why} [S-3.5]`, () => {
    assert.throws(() => Rule.compile(source), (error: unknown) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "BUNDLE_RULE_INVALID");
      assert.match(error.message, /^Cannot compile rule: /);
      assert.match(error.message, message);
      assert.ok(!JSON.stringify([error.message, error.hints, String(error.cause)]).includes(CANARY));
      return true;
    });
  });
}

const ACCEPTED: readonly [why: string, source: string][] = [
  ["4096 characters", `${" ".repeat(4092)}true`],
  ["99 lists", `${"[".repeat(98)}${"]".repeat(98)} != []`],
  ["a hundred alternatives", Array.from({ length: 100 }, (_, i) => `service == "s${i}"`).join(" || ")],
  ["an expression of 512 characters", `service.matches("${"a".repeat(512)}") || true`],
  ["the smallest int", "-9223372036854775808 < 0"],
  ["the largest uint", "18446744073709551615u > 0u"],
];
for (const [why, source] of ACCEPTED) {
  Deno.test(`Rule.compile() accepts ${why} [S-3.5]`, () => {
    assert.notEqual(Rule.compile(source).evaluate(RESOLVE), "error");
  });
}

Deno.test("Rule.compile() over an identity knows no ref, context and request [S-3.5]", () => {
  for (const name of ["ref", "context", "request"]) {
    assert.throws(() => Rule.compile(`${name} == ${name}`, { over: "identity" }), { code: "BUNDLE_RULE_INVALID" });
  }
  const rule = Rule.compile('"ops" in groups && claims.run == 3', { over: "identity" });
  assert.equal(rule.evaluate(identityBindings(IDENTITY)), true);
});

// A pattern is the operator's; a claim that is put into it must not widen it.
const SPLICED: readonly [why: string, service: string, source: string, expected: RuleOutcome][] = [
  ["a plain text", "github", 'glob(service + "/*", ref)', true],
  ["another plain text", "gitlab", 'glob(service + "/*", ref)', false],
  ["a star", "*", 'glob(service + "/*", ref)', "error"],
  ["two stars", "**", 'glob("" + service, ref)', "error"],
  ["a star within", "git*", 'glob(service + "/pat", ref)', "error"],
  ["a star in a condition", "*", 'glob("" + (true ? service : "x") + "/pat", ref)', "error"],
  ["a star in a sum of sums", "*", 'glob("" + (service + "/pat"), ref)', "error"],
  ["a way up", "..", 'glob(service + "/pat", ref)', "error"],
  ["nothing", "", 'glob(service + "/pat", ref)', "error"],
  ["a pattern as a whole, which its issuer signs", "github/*", "glob(service, ref)", true],
];
for (const [why, service, source, expected] of SPLICED) {
  Deno.test(`TM-35 Rule.evaluate() gives ${expected} for ${why} in a pattern of glob() [S-3.6]`, () => {
    const bindings = bindingsOf(policyInput({ identity: { ...IDENTITY, service } }));
    assert.equal(Rule.compile(source).evaluate(bindings), expected);
  });
}

const LONG: readonly [why: string, source: string][] = [
  ["nested comprehensions", "context.l.all(a, context.l.all(b, context.l.all(c, context.l.all(d, true))))"],
  [
    "a comprehension over sums",
    `[${"context.l + ".repeat(80)}context.l].map(a, a + a + a + a).all(b, b.all(c, true))`,
  ],
  ["a text that doubles", `["x"]${".map(s, s + s + s + s + s + s + s + s)".repeat(7)} == []`],
  ["a list that doubles", `[context.l]${".map(l, l + l + l + l + l + l + l + l)".repeat(12)} == []`],
  ["bytes that double", `[b"x"]${".map(s, s + s + s + s + s + s + s + s)".repeat(7)} == []`],
  ["an expression on a long text", 'context.t.matches("(a?){500}a{500}$")'],
];
for (const [why, source] of LONG) {
  Deno.test(`Rule.evaluate() ends with an error for ${why} [S-3.7]`, () => {
    const context = { l: Array.from({ length: 1_000 }, (_, i) => i), t: "a".repeat(60_000) };
    assert.equal(Rule.compile(source).evaluate(bindingsOf(policyInput({ context }))), "error");
  });
}

Deno.test("Rule.evaluate() has a budget of its own each time [S-3.7]", () => {
  const context = { l: Array.from({ length: 100 }, (_, i) => i) };
  const rule = Rule.compile("context.l.all(a, context.l.all(b, true))");
  const bindings = bindingsOf(policyInput({ context }));
  for (let i = 0; i < 4; i++) assert.equal(rule.evaluate(bindings), true);
});

const CONSTANTS: readonly [source: string, expected: RuleOutcome | undefined][] = [
  ["true", true],
  ["1 == 2", false],
  ["1 / 0 == 1", "error"],
  ['"x"', "not-boolean"],
  ['service == "x" || true', undefined],
];
for (const [source, expected] of CONSTANTS) {
  Deno.test(`Rule.constant is ${expected} for ${source}`, () => assert.equal(Rule.compile(source).constant, expected));
}

const atom = fc.oneof(
  fc.constantFrom(
    "true",
    "false",
    "claims.other == 1",
    "1 / 0 == 1",
    "service",
    "has(request.host)",
    "claims.run == 3",
  ),
  fc.tuple(
    fc.constantFrom("service", "ref", "org", "branch"),
    fc.constantFrom("agent", "github/pat", "acme", "main", "x"),
  )
    .chain(([name, text]) =>
      fc.constantFrom(
        `${name} == "${text}"`,
        `"${text}" == ${name}`,
        `${name} != "${text}"`,
        `${name} in ["${text}", "y"]`,
        `${name} in []`,
        `${name}.startsWith("${text}")`,
        `glob("${text}", ref)`,
        `glob("${text}/**", ref)`,
        `glob("${text}*", ref)`,
      )
    ),
);
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    fc.tuple(tie("tree"), fc.constantFrom("&&", "||"), tie("tree")).map(([l, op, r]) => `(${l} ${op} ${r})`),
    tie("tree").map((inner) => `!(${inner})`),
    fc.tuple(tie("tree"), tie("tree"), tie("tree")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
}));

Deno.test("guardOf() finds a rule false only where its evaluation does [S-3.8]", () => {
  let found = 0;
  fc.assert(
    fc.property(tree, (source) => {
      const compiled = compileCel(source, new Set(Object.keys(VARIABLES)));
      assert.ok(!("fault" in compiled));
      if (guardOf(compiled.expr)?.(RESOLVE) !== true) return;
      found++;
      assert.equal(compiled.evaluate(RESOLVE), false, source);
    }),
    { numRuns: 1_000 },
  );
  assert.ok(found > 20);
});
