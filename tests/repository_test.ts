import assert from "node:assert/strict";
import { COMMANDS } from "../cli/commands/table.ts";
import config from "../deno.json" with { type: "json" };
import { ROOT } from "./support/kz.ts";

const TASKS = ["ok", "fmt", "fmt:check", "lint", "check", "test", "test:system", "compile", "demo", "bench"];
const FILES = [
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "DEPENDENCIES.md",
  "REVIEW.md",
  "LICENSE-MIT",
  "LICENSE-APACHE",
  "mod.ts",
  "deno.lock",
  ".ci/run",
];

for (const task of TASKS) {
  Deno.test(`deno.json has the task ${task} [F-1.1]`, () => {
    const entry = new Map<string, { command: string }>(Object.entries(config.tasks)).get(task);
    assert.ok(entry !== undefined && entry.command !== "");
  });
}

for (const file of FILES) {
  Deno.test(`${file} is there and not empty [F-1.2]`, async () => {
    assert.ok((await Deno.stat(ROOT + file)).size > 0);
  });
}

Deno.test("leak sanitizers are on [F-1.3]", () => {
  assert.deepEqual(config.test, { sanitizeOps: true, sanitizeResources: true });
});

Deno.test("the lint plugin is loaded [F-1.4]", () => {
  assert.deepEqual(config.lint.plugins, ["./scripts/lint_plugin.ts"]);
});

Deno.test("every script of a task is there", async () => {
  for (const { command } of Object.values(config.tasks)) {
    for (const [path] of command.matchAll(/\bscripts\/[\w/]+\.ts\b/g)) await Deno.stat(ROOT + path);
  }
});

Deno.test("every import is pinned to one version", () => {
  for (const [name, specifier] of Object.entries(config.imports)) {
    assert.match(specifier, /^npm:\/?(?:@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(?:-[\w.]+)?(?:\/|$)/, name);
  }
});

Deno.test("DEPENDENCIES.md has a row for every import, with its version", async () => {
  const rows = await Deno.readTextFile(`${ROOT}DEPENDENCIES.md`);
  for (const specifier of Object.values(config.imports)) {
    const [, name, version] = /^npm:\/?((?:@[\w.-]+\/)?[\w.-]+)@([\d.]+\d)/.exec(specifier) ?? [];
    assert.ok(rows.split("\n").some((row) => row.startsWith(`| \`${name}\` `) && row.includes(` ${version} `)), name);
  }
});

Deno.test("the README begins with the two commands", async () => {
  const firstScreen = (await Deno.readTextFile(`${ROOT}README.md`)).split("\n").slice(0, 40).join("\n");
  assert.match(firstScreen, /npx -y deno@2\.9\.6 task demo/);
  assert.match(firstScreen, /npx -y deno@2\.9\.6 task test/);
});

Deno.test("README.md has every command, and every option of kz run", async () => {
  const rows = (await Deno.readTextFile(`${ROOT}README.md`)).split("\n").filter((row) => row.startsWith("| `"));
  for (const { name, options } of COMMANDS) {
    const [first = "", second] = name.split(" ");
    const isNamed = (row: string) =>
      row.startsWith(`| \`kz ${first}`) &&
      (second === undefined || row.includes(` ${second}\``) || row.includes(`\`${second}\``));
    assert.ok(rows.some(isNamed), name);
    if (name !== "run") continue;
    for (const option of options) assert.ok(rows.some((row) => row.includes(`\`--${option.name}`)), option.name);
  }
});

Deno.test("a link in a document leads to a file", async () => {
  for (const folder of ["", "docs/", "docs/deploy/"]) {
    for await (const { name } of Deno.readDir(ROOT + folder)) {
      if (!name.endsWith(".md")) continue;
      const text = await Deno.readTextFile(ROOT + folder + name);
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        await assert.doesNotReject(Deno.stat(ROOT + folder + target), `${folder}${name}: ${target}`);
      }
    }
  }
});
