import fc from "fast-check";
import type { FuzzTarget } from "./fuzz_target.ts";
import { minimise } from "./minimise.ts";
import { dictionaryBytes, mutate } from "./mutate.ts";
import { Random } from "./random.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** When to stop; whichever comes first. */
  readonly ms: number;
  readonly executions: number;
}

export interface FuzzReport {
  readonly name: string;
  readonly executions: number;
  /** Of these, inputs that were accepted. */
  readonly accepted: number;
  readonly ms: number;
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzFailure {
  /** Minimised. */
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Inputs that are generated at once. */
const BATCH = 64;
/** Mutations of each generated input. */
const MUTATIONS = 7;

/** Fuzzes one target until its time is over or an input fails. */
export async function runTarget(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const random = new Random(options.seed);
  const dictionary = dictionaryBytes(target.dictionary);
  const start = performance.now();
  let executions = 0;
  let accepted = 0;
  const report = (failure: FuzzFailure | undefined): FuzzReport => ({
    name: target.name,
    executions,
    accepted,
    ms: performance.now() - start,
    failure,
  });
  for (;;) {
    const batch = fc.sample(target.inputs, { seed: random.next() | 0, numRuns: BATCH });
    for (const generated of batch) {
      let input: Uint8Array = generated;
      for (let round = 0; round <= MUTATIONS; round++) {
        if (round > 0) input = mutate(input, { random, dictionary, other: random.pick(batch) });
        if (executions >= options.executions || performance.now() - start >= options.ms) return report(undefined);
        executions++;
        try {
          // Most checks are synchronous; awaiting each would halve their number.
          const outcome = target.check(input);
          if (outcome === true || (outcome !== false && await outcome)) accepted++;
        } catch {
          return report(await explain(target, input));
        }
      }
    }
  }
}

async function explain(target: FuzzTarget, input: Uint8Array): Promise<FuzzFailure> {
  const smallest = await minimise(input, async (candidate) => await findingOf(target, candidate) !== undefined);
  return { input: smallest, error: await findingOf(target, smallest) ?? await findingOf(target, input) };
}

/** What a check throws for an input; undefined if it holds. */
export async function findingOf(target: FuzzTarget, input: Uint8Array): Promise<unknown> {
  try {
    await target.check(input);
    return undefined;
  } catch (error) {
    return error ?? new Error("Cannot tell what failed: nothing was thrown");
  }
}
