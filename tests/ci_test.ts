import assert from "node:assert/strict";
import { ROOT } from "./support/kz.ts";

const BASH = Deno.build.os === "windows" ? undefined : "/bin/bash";

/** Runs `.ci/run` in a copy, with programs that only say what the real ones would. */
async function ciRun(npx: string): Promise<{ status: number; lines: string[] }> {
  const dir = await Deno.makeTempDir({ prefix: "kz-ci-" });
  try {
    await Deno.mkdir(`${dir}/checkout/.ci`, { recursive: true });
    await Deno.mkdir(`${dir}/bin`);
    await Deno.copyFile(`${ROOT}.ci/run`, `${dir}/checkout/.ci/run`);
    await Deno.copyFile(`${ROOT}README.md`, `${dir}/checkout/README.md`);
    for (const [name, body] of [["npx", npx], ["npm", "exit 0"], ["apt-get", "exit 0"]] as const) {
      await Deno.writeTextFile(`${dir}/bin/${name}`, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    }
    const { code, stdout } = await new Deno.Command(BASH!, {
      args: [`${dir}/checkout/.ci/run`],
      env: { PATH: `${dir}/bin:/usr/bin:/bin`, HOME: dir, TMPDIR: dir },
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).output();
    return { status: code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Seven steps: two that report tests, and format, lint, check, fuzzing and compile, which count as one each. */
const table: [why: string, npx: string, status: number, last: string][] = [
  [
    "sums what passed",
    'case "$*" in *task\\ test*) echo "ok | 20 passed (3 steps) | 0 failed | 2 ignored (1s)";; esac',
    0,
    "45 passed, 0 failed",
  ],
  [
    "counts a test that failed",
    'case "$*" in *task\\ test) echo "FAILED | 19 passed | 1 failed (1s)"; exit 1;; *test:system) echo "ok | 5 passed | 0 failed (1s)";; esac',
    1,
    "29 passed, 1 failed",
  ],
  [
    "counts a step that fails without a test",
    'case "$*" in *task\\ lint) exit 1;; *task\\ test*) echo "ok | 5 passed | 0 failed (1s)";; esac',
    1,
    "14 passed, 1 failed",
  ],
  [
    "does not pass when the executable cannot be made",
    'case "$*" in *task\\ compile*) exit 1;; *task\\ test*) echo "ok | 5 passed | 0 failed (1s)";; esac',
    1,
    "9 passed, 1 failed",
  ],
  [
    "counts tests that passed in a run that failed otherwise",
    'case "$*" in *task\\ test) echo "ok | 5 passed | 0 failed (1s)"; exit 1;; *test:system) echo "ok | 5 passed | 0 failed (1s)";; esac',
    1,
    "15 passed, 1 failed",
  ],
];
for (const [why, npx, status, last] of table) {
  Deno.test({
    name: `.ci/run ${why} [F-1.6]`,
    ignore: BASH === undefined,
    async fn() {
      const result = await ciRun(npx);
      assert.deepEqual({ status: result.status, last: result.lines.at(-1) }, { status, last }, result.lines.join("\n"));
    },
  });
}
