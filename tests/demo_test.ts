import assert from "node:assert/strict";
import { ROOT } from "./support/kz.ts";

/** What the demo promises on a machine whose packages are cached, and as much again to fetch them. */
const LIMIT_MS = 120_000;

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "deno task demo ends with 0 and a verdict that holds [F-2.1]",
  ignore: !isInstalled("node") || !isInstalled("npm"),
  async fn() {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "demo"],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).output();
    const [shown, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `${shown}\n${said}`);
    assert.match(shown!, /\nVerdict: holds\. /);
    assert.doesNotMatch(shown!, /not so:/);
    assert.ok(shown!.split("\n").every((line) => line.length <= 100), "no line is longer than 100 columns");
  },
});
