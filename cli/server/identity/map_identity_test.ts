import assert from "node:assert/strict";
import type { Issuer } from "../../../policy/server/bundle.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import { mapIdentity } from "./map_identity.ts";

function mapped(path: readonly string[], claims: Record<string, unknown>): Identity {
  const map: Issuer["map"] = new Map([["service", path], ["groups", path]]);
  return mapIdentity({ name: "main", map }, "sub", claims);
}

const FIELDS:
  readonly (readonly [why: string, path: readonly string[], claims: Record<string, unknown>, field: string])[] = [
    ["takes a text", ["a"], { a: "x" }, "x"],
    ["follows a path", ["a", "b", "c"], { a: { b: { c: "x" } } }, "x"],
    ["takes a name with dots and slashes as it is", ["kubernetes.io/a"], { "kubernetes.io/a": "x" }, "x"],
    ["writes a number", ["a"], { a: 42 }, "42"],
    ["writes a boolean", ["a"], { a: false }, "false"],
    ["takes no null", ["a"], { a: null }, ""],
    ["takes no object", ["a"], { a: { b: "x" } }, ""],
    ["takes no list", ["a"], { a: ["x"] }, ""],
    ["takes nothing where a claim is missing", ["a"], {}, ""],
    ["takes nothing where the path ends early", ["a", "b"], { a: "x" }, ""],
    ["does not go into lists", ["a", "0"], { a: ["x"] }, ""],
    ["does not take a list's length", ["a", "length"], { a: ["x"] }, ""],
    ["does not take a text's length", ["a", "length"], { a: "xyz" }, ""],
    ["does not take what every object has", ["constructor", "name"], {}, ""],
    ["does not take what is inherited", ["x"], Object.create({ x: "y" }), ""],
    ["takes nothing by an empty path", [], { "": "x" }, ""],
  ];
for (const [why, path, claims, field] of FIELDS) {
  Deno.test(`TM-33 mapIdentity() ${why} [S-2.6]`, () => assert.equal(mapped(path, claims).service, field));
}

const GROUPS: readonly (readonly [why: string, value: unknown, groups: readonly string[]])[] = [
  ["takes a list of texts", ["a", "b"], ["a", "b"]],
  ["takes names with spaces from a list", ["team one"], ["team one"]],
  ["takes one text", "a", ["a"]],
  ["takes no text with spaces", "a b", []],
  ["takes no text with commas", "a,b", []],
  ["takes no empty text", "", []],
  ["takes the texts of a mixed list", ["a", 1, null, ["b"], "", "c"], ["a", "c"]],
  ["takes no object", { a: true }, []],
  ["takes no number", 1, []],
  ["takes nothing where the claim is missing", undefined, []],
];
for (const [why, value, groups] of GROUPS) {
  Deno.test(`mapIdentity() ${why} as groups [S-2.6]`, () => {
    assert.deepEqual(mapped(["g"], value === undefined ? {} : { g: value }).groups, groups);
  });
}

Deno.test("mapIdentity() names the issuer as the bundle does, and leaves what is not mapped empty [S-2.6]", () => {
  const claims = { iss: "https://x", issuer: "admin", org: "admin", sub: "admin" };
  assert.deepEqual(mapIdentity({ name: "main", map: new Map() }, "me", claims), {
    issuer: "main",
    subject: "me",
    org: "",
    service: "",
    env: "",
    action: "",
    branch: "",
    actor: "",
    groups: [],
    claims,
  });
});
