import assert from "node:assert/strict";
import plugin, { BRANDS } from "./lint_plugin.ts";

const ROOT = new URL("../", import.meta.url);

/** [rule, code, file, is it reported] */
const table: [rule: string, why: string, code: string, file: string, reported: boolean][] = [
  ["error-message", "a full message", 'new AppError("X", "Cannot read a: it is gone");', "cli/a.ts", false],
  ["error-message", "a template", 'new AppError("X", `Cannot read "${a}": it is gone`);', "cli/a.ts", false],
  ["error-message", "a template that ends in a value", 'new AppError("X", `Cannot read: ${a}`);', "cli/a.ts", false],
  ["error-message", "a variable", 'new AppError("X", message);', "cli/a.ts", false],
  ["error-message", "another class", 'new RangeError("bad.");', "cli/a.ts", false],
  ["error-message", "another beginning", 'new AppError("X", "Failed to read a: b");', "cli/a.ts", true],
  ["error-message", "no state", 'new AppError("X", "Cannot read a");', "cli/a.ts", true],
  ["error-message", "a full stop", 'new AppError("X", "Cannot read a: it is gone.");', "cli/a.ts", true],
  ["error-message", "a full stop in a template", 'new AppError("X", `Cannot read a: ${b}.`);', "cli/a.ts", true],
  ["error-message", "a contraction", `new AppError("X", "Cannot read a: it isn't there");`, "cli/a.ts", true],
  ["error-message", "one branch of two", 'new AppError("X", a ? "Cannot b: c" : "Oops");', "cli/a.ts", true],
  ["error-message", "a sum", 'new AppError("X", "Cannot read a" + b);', "cli/a.ts", true],
  ["error-message", "a possessive", `new AppError("X", "Cannot read a: the child's end is open");`, "cli/a.ts", false],

  ["brand-cast", "its own file", "export const a = b as Host;", "policy/host.ts", false],
  ["brand-cast", "another file", "export const a = b as Host;", "policy/host_pattern.ts", true],
  ["brand-cast", "by way of unknown", "export const a = b as unknown as SecretRef;", "cli/a.ts", true],
  ["brand-cast", "a file of that name elsewhere", "export const a = b as Host;", "cli/host.ts", true],
  ["brand-cast", "angle brackets", "export const a = <MaskedToken> b;", "cli/a.ts", true],
  ["brand-cast", "const", "export const a = [1] as const;", "cli/a.ts", false],

  ["no-private", "a field", "class A { private a = 1; }", "cli/a.ts", true],
  ["no-private", "a method", "class A { private a() {} }", "cli/a.ts", true],
  ["no-private", "a parameter", "class A { constructor(private a: string) {} }", "cli/a.ts", true],
  ["no-private", "a constructor", "class A { private constructor() {} }", "cli/a.ts", false],
  ["no-private", "a # field", "class A { #a = 1; readonly b = 2; }", "cli/a.ts", false],

  ["max-params", "three", "export function a(b: string, c: string, d: Options) {}", "cli/a.ts", false],
  ["max-params", "four", "export function a(b: string, c: string, d: string, e: string) {}", "cli/a.ts", true],
  ["max-params", "four, not exported", "function a(b: string, c: string, d: string, e: string) {}", "cli/a.ts", false],

  ["named-exports", "default", "export default 1;", "cli/a.ts", true],
  ["named-exports", "star", 'export * from "./b.ts";', "mod.ts", true],
  ["named-exports", "by name", 'export { a } from "./b.ts";', "mod.ts", false],

  ["worker-permissions", "none", "new Worker(url, { type: 'module' });", "cli/a.ts", true],
  [
    "worker-permissions",
    "written out",
    'import { a } from "./permissions.ts"; new Worker(url, { type: "module", deno: { permissions: { net: true } } });',
    "cli/a.ts",
    true,
  ],
  [
    "worker-permissions",
    "from elsewhere",
    'new Worker(url, { type: "module", deno: { permissions: a() } });',
    "cli/a.ts",
    true,
  ],
  [
    "worker-permissions",
    "a named set",
    'import { a } from "./permissions.ts"; new Worker(url, { type: "module", deno: { permissions: a() } });',
    "cli/a.ts",
    false,
  ],

  ["pure-policy", "Deno", "Deno.cwd();", "policy/a.ts", true],
  ["pure-policy", "the clock", "export const a = Date.now();", "policy/a.ts", true],
  ["pure-policy", "a new date", "export const a = new Date();", "policy/a.ts", true],
  ["pure-policy", "a given date", "export const a = new Date(0);", "policy/a.ts", false],
  ["pure-policy", "random numbers", "export const a = Math.random();", "policy/a.ts", true],
  ["pure-policy", "another layer", "Deno.cwd();", "cli/a.ts", false],
  ["pure-policy", "a test", 'Deno.test("a", () => {});', "policy/a_test.ts", false],

  ["no-console", "the proxy", "console.error(1);", "proxy/a.ts", true],
  ["no-console", "the front end", "console.error(1);", "cli/a.ts", false],
];

for (const [rule, why, code, file, reported] of table) {
  Deno.test(`lint rule ${rule} ${reported ? "reports" : "accepts"} ${why} in ${file}`, () => {
    const found = Deno.lint.runPlugin(plugin, new URL(file, ROOT).pathname, code).filter((d) => d.id === `kz/${rule}`);
    assert.equal(found.length, reported ? 1 : 0, JSON.stringify(found));
  });
}

Deno.test("BRANDS names every brand of policy and its file", async () => {
  const found = new Map<string, string>();
  for (const folder of ["policy", "policy/server"]) {
    for await (const { isFile, name } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
      if (!isFile || name.endsWith("_test.ts") || name === "brand.ts") continue;
      const source = await Deno.readTextFile(new URL(`${folder}/${name}`, ROOT));
      for (const match of source.matchAll(/export type (\w+) = Brand</g)) found.set(match[1]!, `${folder}/${name}`);
    }
  }
  assert.deepEqual([...BRANDS].sort(), [...found].sort());
});
