import { direct } from "../direct.ts";
import { residentMiB } from "../resident_set.ts";
import { below, type Row, type Table } from "../report.ts";
import { median } from "../statistics.ts";
import { medianOf } from "../throughput.ts";
import type { RunningServer } from "./running_server.ts";
import { runServerJob, type ServerMeasurement } from "./server_job.ts";

export const CONCURRENT = 1000;
/** What 1,000 fetches may take beside what the server takes at rest: connections, and bodies of those that run at once. */
const growthLimitMiB = (bytes: number) => 192 + Math.ceil(256 * 8 * bytes / 2 ** 20);
const SIZES = [1024, 256 * 1024];

export interface FetchOptions {
  readonly servers: readonly { readonly name: string; readonly server: RunningServer }[];
  readonly upstream: { readonly port: number; readonly token: string; readonly caFile: string };
  readonly jwtFile: string;
  readonly waves: number;
  readonly requests: number;
  readonly rounds: number;
}

/** 1,000 fetches at once: how many are answered, how fast, and what the server's process holds meanwhile. */
export async function measureFetches(options: FetchOptions): Promise<Table[]> {
  const rows: Row[] = [];
  for (const { name, server } of options.servers) {
    const rest = await residentMiB(server.pid);
    rows.push({ name: `${name}, at rest`, values: [undefined, undefined, undefined, undefined, rest] });
    for (const bytes of SIZES) {
      const { jwtFile, waves } = options;
      const job = { kind: "fetch", port: server.port, jwtFile, concurrent: CONCURRENT, waves, bytes } as const;
      const result = await runServerJob(job, server);
      const growth = (result.peakMiB ?? NaN) - (rest ?? NaN);
      rows.push({
        name: `${name}, ${bytes / 1024} KiB each`,
        values: [result.requestsPerSecond, result.p50Ms, result.p99Ms, result.refused, result.peakMiB],
        targets: [below(result.refused, 1, "fetch refused"), below(growth, growthLimitMiB(bytes), "MiB of growth")],
      });
    }
  }
  return [
    {
      title: `${CONCURRENT.toLocaleString("en-US")} fetches at once, ${options.waves} times`,
      columns: ["fetches/s", "p50 ms", "p99 ms", "refused", "peak MiB"],
      rows,
    },
    await measureOne(options),
  ];
}

/** A fetch has a connection of its own, and so has the direct request that it is compared with. */
async function measureOne({ servers, upstream, jwtFile, requests, rounds }: FetchOptions): Promise<Table> {
  await using none = direct(upstream);
  const results = new Map<string, ServerMeasurement[]>([["direct, a new connection each", []]]);
  for (let round = 0; round < rounds; round++) {
    const [list] = results.values();
    list!.push(await none.measure({ kind: "connect", port: upstream.port, connections: requests }));
    for (const { name, server } of servers) {
      const one = await runServerJob({ kind: "fetch-latency", port: server.port, jwtFile, requests });
      results.set(name, [...results.get(name) ?? [], one]);
    }
  }
  const [base] = results.values();
  const rows = Array.from(results, ([name, list]): Row => {
    const [p50, p99] = [medianOf(list, "p50Ms"), medianOf(list, "p99Ms")];
    const added = median(list.map(({ p50Ms }, round) => (p50Ms ?? NaN) - (base?.[round]?.p50Ms ?? NaN)));
    return { name, values: [p50, p99, list === base ? undefined : added] };
  });
  return { title: "One fetch after the other, 1 KiB", columns: ["p50 ms", "p99 ms", "added p50"], rows };
}
