import { below, type Row, type Table } from "./report.ts";
import type { Measurement, System } from "./system.ts";
import { measureInterleaved, medianOf, ratioOf } from "./throughput.ts";

/** Streams `bytes` down and up; how fast, and by how much the resident set of kz grew. */
export async function measureStreaming(
  systems: readonly System[],
  options: { port: number; bytes: number; rounds: number },
): Promise<Table> {
  const rows: Row[] = [];
  for (const kind of ["down", "up"] as const) {
    const results = await measureInterleaved(
      systems,
      { kind, port: options.port, bytes: options.bytes },
      options.rounds,
    );
    const speed = (list: readonly Measurement[] | undefined) => medianOf(list, "mebibytesPerSecond");
    const direct = results.get(systems[0]!);
    for (const [system, list] of results) {
      const kz = system !== systems[0];
      const growth = kz ? Math.max(...list.map((one) => one.growthMiB ?? NaN)) : undefined;
      rows.push({
        name: `${kind}, ${system.name}`,
        values: [speed(list), ratioOf(list, direct, "mebibytesPerSecond"), growth],
        targets: kz ? [below(growth, 64, "MiB of growth")] : [],
      });
    }
  }
  return {
    title: `Streaming ${options.bytes / 2 ** 20} MiB, ${options.rounds} times`,
    columns: ["MiB/s", "of direct", "growth MiB"],
    rows,
  };
}

/** Delay of server-sent events from their sending to their arrival. */
export async function measureEvents(
  systems: readonly System[],
  options: { port: number; count: number; rounds: number },
): Promise<Table> {
  const results = await measureInterleaved(
    systems,
    { kind: "events", port: options.port, count: options.count },
    options.rounds,
  );
  const direct = results.get(systems[0]!);
  const rows = Array.from(results, ([system, list]): Row => {
    const added = medianOf(list, "delayMs") - medianOf(direct, "delayMs");
    const addedP99 = medianOf(list, "p99Ms") - medianOf(direct, "p99Ms");
    return {
      name: system.name,
      values: [medianOf(list, "delayMs"), medianOf(list, "p99Ms"), added, addedP99],
      targets: system === systems[0] ? [] : [below(added, 5, "ms added at the median")],
    };
  });
  return {
    title: `${options.count} server-sent events, delay`,
    columns: ["median ms", "p99 ms", "added median", "added p99"],
    rows,
  };
}
