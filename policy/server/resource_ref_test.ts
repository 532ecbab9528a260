import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { isGlob, literalPrefixLength, matchesRef, parseRefPattern, parseResourceRef } from "./resource_ref.ts";

const CANONICAL: readonly [why: string, text: string][] = [
  ["one segment", "a"],
  ["two segments", "github/pat"],
  ["every sign", "A-Z/a_z/0.9/x@y/k:v/p+q/n=1"],
  ["dots in a name", "a../..a/...a"],
  ["three dots", "..."],
  ["256 characters", "a".repeat(256)],
];
for (const [why, text] of CANONICAL) {
  Deno.test(`parseResourceRef() reads ${why} as it is [S-3.11]`, () => assert.equal(parseResourceRef(text), text));
}

const TRICKS: readonly [why: string, text: string][] = [
  ["nothing", ""],
  ["a slash", "/"],
  ["a leading slash", "/github/pat"],
  ["a trailing slash", "github/pat/"],
  ["a double slash", "github//pat"],
  ["a way up", "github/../aws/root"],
  ["a way up at the start", "../github/pat"],
  ["a way up at the end", "github/.."],
  ["a way up alone", ".."],
  ["the same folder", "github/./pat"],
  ["the same folder alone", "."],
  ["a star", "github/*"],
  ["two stars", "github/**"],
  ["a star within", "github/p*t"],
  ["a question mark", "github/p?t"],
  ["a bracket", "github/[p]at"],
  ["braces", "github/{pat,x}"],
  ["a percent escape", "github%2Fpat"],
  ["a percent escape of a dot", "github/%2e%2e/pat"],
  ["a backslash", "github\\pat"],
  ["a blank before", " github/pat"],
  ["a blank after", "github/pat "],
  ["a no-break blank", "github/pat\u00a0"],
  ["a zero-width blank", "github/\u200bpat"],
  ["a byte order mark", "\ufeffgithub/pat"],
  ["a line's end", "github/pat\n"],
  ["a carriage return", "github/pat\r"],
  ["a tab", "github\t/pat"],
  ["NUL", "github/pat\0"],
  ["NUL and more", "github/pat\0.txt"],
  ["DEL", "github/pat\x7f"],
  ["a look-alike of a letter (Cyrillic)", "github/p\u0430t"],
  ["a look-alike of a slash", "github\u2215pat"],
  ["a full-width slash", "github\uff0fpat"],
  ["a full-width letter", "github/\uff50at"],
  ["a full-width dot", "github/\uff0e\uff0e/pat"],
  ["a composed letter", "github/p\u00e4t"],
  ["a letter with a combining mark", "github/pa\u0308t"],
  ["a Kelvin sign", "github/\u212aey"],
  ["a dotless i", "g\u0131thub/pat"],
  ["a ligature", "github/\ufb01le"],
  ["writing from right to left", "github/\u202epat"],
  ["half of a surrogate pair", "github/\ud800pat"],
  ["a fragment", "github/pat#token"],
  ["a query", "github/pat?x=1"],
  ["a quote", 'github/"pat"'],
  ["a tilde", "~/pat"],
  ["257 characters", "a".repeat(257)],
  ["a million characters", "a/".repeat(500_000)],
];
for (const [why, text] of TRICKS) {
  Deno.test(`TM-35 parseResourceRef() refuses ${why} and does not repeat it [S-3.11]`, () => {
    assert.throws(() => parseResourceRef(text), (error: unknown) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "RESOURCE_REF_INVALID");
      assert.equal(error.message, "Cannot read resource ref: plain segments with slashes are expected");
      return true;
    });
  });
  if (!/^[^*]*\*/.test(text)) {
    Deno.test(`TM-35 parseRefPattern() refuses ${why} [S-3.11]`, () => {
      assert.throws(() => parseRefPattern(text), { code: "RESOURCE_REF_INVALID" });
    });
  }
}

Deno.test("TM-35 matchesRef() tells case apart [S-3.11]", () => {
  for (const pattern of ["github/pat", "github/*", "**/pat", "github/p*t"]) {
    assert.equal(matchesRef(parseRefPattern(pattern), parseResourceRef("github/pat")), true);
    assert.equal(matchesRef(parseRefPattern(pattern), parseResourceRef("GitHub/PAT")), false);
  }
});

for (const text of ["***", "a**", "**a", "a/**b/c", "a/b**"]) {
  Deno.test(`parseRefPattern() refuses ** within a segment: ${text} [S-3.11]`, () => {
    assert.throws(() => parseRefPattern(text), { code: "RESOURCE_REF_INVALID" });
  });
}

const MATCHES: readonly [pattern: string, ref: string, expected: boolean][] = [
  ["a/b", "a/b", true],
  ["a/b", "a/bc", false],
  ["a/b", "a", false],
  ["*", "a", true],
  ["*", "a/b", false],
  ["a/*", "a/b", true],
  ["a/*", "a/b/c", false],
  ["a/*", "a", false],
  ["a/b*", "a/b", true],
  ["a/*b", "a/xb", true],
  ["a/*b*", "a/xbx", true],
  ["a/ab*ba", "a/aba", false],
  ["a/ab*ba", "a/abba", true],
  ["**", "a/b/c", true],
  ["a/**", "a", true],
  ["a/**", "ab", false],
  ["a/**", "a/b/c", true],
  ["**/c", "c", true],
  ["**/c", "a/b/c", true],
  ["a/**/c", "a/c", true],
  ["a/**/c", "a/b/b/c", true],
  ["a/**/c", "a/b/b/d", false],
  ["a/**/*", "a", false],
  ["**/**", "a", true],
];
for (const [pattern, ref, expected] of MATCHES) {
  Deno.test(`matchesRef() is ${expected} for ${pattern} and ${ref} [S-3.11]`, () => {
    assert.equal(matchesRef(parseRefPattern(pattern), parseResourceRef(ref)), expected);
  });
}

/** The meaning of a pattern, as an expression of JavaScript: slow where it must backtrack, and plain to read. */
function naive(pattern: string): RegExp {
  const segments = pattern.split("/").map((segment) =>
    segment === "**" ? "(?:/[^/]+)*" : "/" + segment.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")
  );
  return new RegExp(`^${segments.join("")}$`);
}

Deno.test("matchesRef() agrees with a naive expression [S-3.11]", () => {
  const segment = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), minLength: 1, maxLength: 4 })
    .filter((text) => text !== "." && text !== ".." && (text === "**" || !text.includes("**")));
  const plain = segment.map((text) => text.replaceAll("*", "a"));
  const joined = (of: fc.Arbitrary<string>) => fc.array(of, { minLength: 1, maxLength: 5 }).map((all) => all.join("/"));
  let matched = 0;
  fc.assert(
    fc.property(joined(fc.oneof(segment, fc.constant("**"))), joined(plain), (pattern, ref) => {
      const expected = naive(pattern).test(`/${ref}`);
      if (expected) matched++;
      assert.equal(matchesRef(parseRefPattern(pattern), parseResourceRef(ref)), expected, `${pattern} ${ref}`);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(matched > 50);
});

Deno.test("matchesRef() takes no longer for a pattern of many stars [S-3.11]", () => {
  const pattern = parseRefPattern(`${"**/".repeat(80)}x`);
  const stars = parseRefPattern(`${"*a".repeat(127)}b`);
  assert.equal(matchesRef(pattern, parseResourceRef("a/".repeat(127) + "a")), false);
  assert.equal(matchesRef(stars, parseResourceRef("a".repeat(256))), false);
});

Deno.test("literalPrefixLength() counts up to the first star [S-3.11]", () => {
  assert.equal(literalPrefixLength(parseRefPattern("a/b*")), 3);
  assert.equal(literalPrefixLength(parseRefPattern("**")), 0);
  assert.equal(literalPrefixLength(parseRefPattern("a/b")), 3);
  assert.equal(isGlob(parseRefPattern("a/b")), false);
  assert.equal(isGlob(parseRefPattern("a/*")), true);
});
