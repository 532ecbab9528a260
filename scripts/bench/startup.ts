import { fileURLToPath } from "node:url";
import type { Project } from "../../tests/support/project.ts";
import { denoDir } from "../../tests/support/kz.ts";
import { denoArguments, kzCall, type KzVariant } from "./kz_blind.ts";
import { below, type Row, type Table } from "./report.ts";
import { median } from "./statistics.ts";
import type { ProgramCall } from "./system.ts";

/** What starts, and how. */
interface Start {
  readonly name: string;
  readonly call: ProgramCall;
  readonly variant: KzVariant;
  /** How many empty starts it may take; absent: it is the empty start. */
  readonly limit?: number;
}

/**
 * Measures the time from start to end of an empty program, `kz run -- true` and `kz run --blind -- true`, each with one
 * secret. For the binary the empty program is the one in `KZ_EMPTY_BINARY`, compiled by the same Deno.
 */
export async function measureStartup(
  options: { project: Project; variants: readonly KzVariant[]; rounds: number },
): Promise<Table> {
  const starts: Start[] = [];
  for (const variant of options.variants) {
    const empty = await emptyCall(variant, options.project);
    if (empty !== undefined) starts.push({ name: `empty program (${variant})`, variant, call: empty });
    for (const [flags, limit] of [[[], 3], [["--blind"], 5]] as const) {
      const call = await kzCall(variant, options.project, ["run", ...flags, "--", "true"]);
      starts.push({ name: ["kz run", ...flags, "-- true", `(${variant})`].join(" "), variant, call, limit });
    }
  }
  const times = new Map<Start, number[]>(starts.map((start) => [start, []]));
  for (const start of starts) await timeOf(start); // The first start fills caches.
  for (let round = 0; round < options.rounds; round++) {
    for (const [start, list] of times) list.push(await timeOf(start));
  }
  const medians = new Map(Array.from(times, ([start, list]) => [start, median(list)]));
  const rows = starts.map((start): Row => {
    const ms = medians.get(start)!;
    const empty = starts.find((other) => other.limit === undefined && other.variant === start.variant);
    const ratio = empty === undefined ? undefined : ms / medians.get(empty)!;
    const targets = start.limit === undefined ? [] : [below(ratio, start.limit, "× empty")];
    return { name: start.name, values: [ms, ratio], targets };
  });
  return { title: `Start-up, median of ${options.rounds}`, columns: ["ms", "× empty"], rows };
}

async function emptyCall(variant: KzVariant, project: Project): Promise<ProgramCall | undefined> {
  const env = { ...(await kzCall(variant, project, [])).env };
  if (variant === "source") {
    const script = fileURLToPath(new URL("./empty.ts", import.meta.url));
    return { file: Deno.execPath(), args: denoArguments(script), env: { ...env, DENO_DIR: await denoDir() } };
  }
  const file = Deno.env.get("KZ_EMPTY_BINARY");
  return file === undefined ? undefined : { file, args: [], env };
}

async function timeOf({ name, call }: Start): Promise<number> {
  const start = performance.now();
  const { code, stderr } = await new Deno.Command(call.file, {
    args: [...call.args],
    env: { ...call.env },
    ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`Cannot measure: ${name} ended with ${code}\n${new TextDecoder().decode(stderr)}`);
  return performance.now() - start;
}
