import { kzBlind, makeBenchProject } from "./kz_blind.ts";
import { atLeast, type Row, type Table } from "./report.ts";
import type { System } from "./system.ts";
import { CONNECTIONS, measureInterleaved, medianOf, ratioOf } from "./throughput.ts";

const COUNTS = [1, 10, 1000];

/** Request rate with 1, 10 and 1,000 secrets in the configuration; it must not fall. */
export async function measureSecretCounts(
  options: { token: string; port: number; caPem: string; durationMs: number; rounds: number },
): Promise<Table> {
  await using stack = new AsyncDisposableStack();
  const systems: System[] = [];
  for (const secretCount of COUNTS) {
    systems.push(stack.use(kzBlind("source", await makeBenchProject({ ...options, secretCount }))));
  }
  const job = { kind: "rate", port: options.port, connections: CONNECTIONS, durationMs: options.durationMs } as const;
  const results = await measureInterleaved(systems, job, options.rounds);
  const one = results.get(systems[0]!);
  const rows = systems.map((system, index): Row => {
    const list = results.get(system);
    const ratio = ratioOf(list, one, "requestsPerSecond");
    return {
      name: `${COUNTS[index]} secrets`,
      values: [medianOf(list, "requestsPerSecond"), ratio],
      // At most 1.1 times the cost.
      targets: index === 0 ? [] : [atLeast(ratio, 0.91, "of one secret")],
    };
  });
  return { title: `Cost of many secrets, kz blind (source)`, columns: ["requests/s", "of one secret"], rows };
}
