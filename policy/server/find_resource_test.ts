import assert from "node:assert/strict";
import { findResource, secretRefOf } from "./find_resource.ts";
import { parseResourceRef } from "./resource_ref.ts";
import { resource } from "./testing/policy_input.ts";

const CHOICES: readonly [why: string, refs: string[], asked: string, expected: number | undefined][] = [
  ["none of none", [], "a/b", undefined],
  ["none that fits", ["a/c", "b/**"], "a/b", undefined],
  ["an exact one", ["a/b"], "a/b", 0],
  ["an exact one after globs", ["**", "a/*", "a/b"], "a/b", 2],
  ["an exact one after a glob with as much text", ["a/b*", "a/b/**", "a/b"], "a/b", 2],
  ["the longest literal text", ["**", "a/**", "a/b/**", "a/*"], "a/b/c", 2],
  ["the longest literal text, wherever it is", ["a/b/**", "a/**"], "a/b/c", 0],
  ["text before the first star alone", ["a/*/long/literal/tail", "a/b*/**"], "a/b/long/literal/tail", 1],
  ["the first of two with equal text", ["a/*", "a/**"], "a/b", 0],
  ["the first of two in another order", ["a/**", "a/*"], "a/b", 0],
  ["the first of two exact ones", ["a/b", "a/b"], "a/b", 0],
  ["a glob of no segment", ["a/**"], "a", 0],
  ["no glob of another case", ["A/**"], "a/b", undefined],
];
for (const [why, refs, asked, expected] of CHOICES) {
  Deno.test(`findResource() takes ${why} [S-3.10]`, () => {
    const resources = refs.map((ref) => resource(ref));
    const found = findResource(resources, parseResourceRef(asked));
    assert.equal(found === undefined ? undefined : resources.indexOf(found), expected);
  });
}

const SECRETS: readonly [why: string, secret: string, ref: string, expected: string][] = [
  ["the default", "{ref}", "github/pat", "github/pat"],
  ["a text without it", "github-pat", "github/pat", "github-pat"],
  ["a text around it", "secret/data/{ref}#token", "team/db", "secret/data/team/db#token"],
  ["it twice", "{ref}/{ref}", "a/b", "a/b/a/b"],
  ["a ref with braces' neighbours", "{ref}", "a=b@c:d+e", "a=b@c:d+e"],
];
for (const [why, secret, ref, expected] of SECRETS) {
  Deno.test(`secretRefOf() replaces {ref} in ${why} [S-3.10]`, () => {
    assert.equal(secretRefOf(resource("**", { secret }), parseResourceRef(ref)), expected);
  });
}

// What a caller could gain below a glob whose secret is `base/{ref}`, if a ref could hold it.
const ESCAPES: readonly [why: string, ref: string][] = [
  ["a way up", "../etc/passwd"],
  ["a way up within", "a/../../etc/passwd"],
  ["a way up at the end", "a/.."],
  ["the same folder", "./a"],
  ["an absolute path", "/etc/passwd"],
  ["a Windows path", "a\\..\\b"],
  ["a home", "~/.ssh/id_rsa"],
  ["a key of a file", "a#KEY"],
  ["a key of JSON", "a#password"],
  ["a query", "a?version=1"],
  ["an escape", "a/%2e%2e/b"],
  ["a scheme", "sm://a"],
  ["the placeholder", "{ref}"],
  ["a variable", "${HOME}"],
  ["a command", "$(id)"],
  ["a blank", "a b"],
  ["a line", "a\nb"],
  ["NUL", "a\0b"],
  ["a star", "*"],
];
for (const [why, ref] of ESCAPES) {
  Deno.test(`TM-35 parseResourceRef() keeps ${why} from a backend's ref [S-3.10]`, () => {
    assert.throws(() => parseResourceRef(ref), { code: "RESOURCE_REF_INVALID" });
  });
}

Deno.test("TM-35 secretRefOf() stays below the text before {ref} [S-3.10]", () => {
  const found = resource("team/**", { secret: "base/{ref}" });
  for (const ref of ["team/a", "team/...", "team/..a", "team/a.."]) {
    assert.equal(new URL(secretRefOf(found, parseResourceRef(ref)), "file:///x/").pathname, `/x/base/${ref}`);
  }
});
