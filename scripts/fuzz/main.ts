/**
 * Fuzzes what reads bytes of others.
 *
 *     deno task fuzz [--seconds N] [--seed S] [--target NAME]…
 *     deno task fuzz --target NAME --input HEX
 *
 * The time is split evenly over the targets. Exit status 1 if an input fails; it is printed, as small as it could be made.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import type { FuzzTarget } from "./fuzz_target.ts";
import { findingOf, type FuzzReport, runTarget } from "./run_target.ts";
import { TARGETS } from "./targets.ts";

const DEFAULT_SECONDS = 60;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: String(DEFAULT_SECONDS) },
      seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
      target: { type: "string", multiple: true, default: TARGETS.map(({ name }) => name) },
      input: { type: "string" },
    },
  });
  const targets = values.target.map(targetNamed);
  if (values.input !== undefined) return await replay(targets, Uint8Array.fromHex(values.input));
  const seed = wholeNumber(values.seed, "--seed");
  const ms = wholeNumber(values.seconds, "--seconds") * 1000 / targets.length;
  console.log(`seed ${seed}`);
  let failed = 0;
  for (const target of targets) {
    const report = await runTarget(target, { seed, ms, executions: Infinity });
    print(report, seed);
    if (report.failure !== undefined) failed++;
  }
  // As Deno's tests end, so that .ci/run counts targets as it counts tests.
  console.log(`\n${failed === 0 ? "ok" : "FAILED"} | ${targets.length - failed} passed | ${failed} failed`);
  return failed === 0;
}

function targetNamed(name: string): FuzzTarget {
  const target = TARGETS.find((known) => known.name === name);
  if (target !== undefined) return target;
  throw new TypeError(`Cannot find target: known are ${TARGETS.map((known) => known.name).join(", ")}`);
}

function wholeNumber(text: string, option: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new TypeError(`Cannot read ${option}: a whole number is expected`);
}

async function replay(targets: readonly FuzzTarget[], input: Uint8Array): Promise<boolean> {
  let holds = true;
  for (const target of targets) {
    const finding = await findingOf(target, input);
    console.log(target.name, finding ?? "holds");
    if (finding !== undefined) holds = false;
  }
  return holds;
}

function print({ name, executions, accepted, ms, failure }: FuzzReport, seed: number): void {
  const rate = Math.round(executions / (ms / 1000));
  const share = Math.round(100 * accepted / Math.max(1, executions));
  console.log(`${name}: ${executions} executions, ${rate}/s, ${share} % accepted${failure ? ", FAILED" : ""}`);
  if (failure === undefined) return;
  const hex = failure.input.toHex();
  console.log(`  input: ${hex}`);
  console.log(`  again: deno task fuzz --target ${name} --input "${hex}"   (seed ${seed})`);
  console.log(failure.error);
}

if (import.meta.main && !await main()) process.exitCode = 1;
