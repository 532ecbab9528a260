import type { Job, OtherClient, RateJob } from "./load_client.ts";
import { atLeast, below, type Row, type Table } from "./report.ts";
import { median } from "./statistics.ts";
import type { Measurement, System } from "./system.ts";

export const CONNECTIONS = 16;

/** Measures every system in turn, round by round, so that a slow moment of the machine hits all alike. */
export async function measureInterleaved(
  systems: readonly System[],
  job: Job,
  rounds: number,
): Promise<ReadonlyMap<System, readonly Measurement[]>> {
  const results = new Map<System, Measurement[]>(systems.map((system) => [system, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [system, list] of results) list.push(await system.measure(job));
  }
  return results;
}

/** The median of one field over the rounds. */
export function medianOf(list: readonly Measurement[] | undefined, field: keyof Measurement): number {
  return median((list ?? []).map((one) => one[field] ?? NaN));
}

/** The median, over the rounds, of one system's value as a share of another's in the same round. */
export function ratioOf(
  list: readonly Measurement[] | undefined,
  base: readonly Measurement[] | undefined,
  field: keyof Measurement,
): number {
  return median((list ?? []).map((one, round) => (one[field] ?? NaN) / (base?.[round]?.[field] ?? NaN)));
}

/** What a comparison consists of: `direct` first, then kz, then the peers that are there. */
export interface Field {
  readonly systems: readonly System[];
  readonly absent: readonly string[];
}

const isKz = (system: System) => system.name.startsWith("kz");

interface RateOptions {
  readonly port: number;
  readonly durationMs: number;
  readonly rounds: number;
}

/** How long an API takes to answer that is near and quick. */
const WAIT_MS = 5;

/** Request rate at 16 connections, and the resident set of kz under that load. */
export async function measureRate({ systems, absent }: Field, options: RateOptions): Promise<Table[]> {
  const results = await measureInterleaved(systems, rateJob(options), options.rounds);
  const resident = systems.filter(isKz).map((system): Row => {
    const peak = medianOf(results.get(system), "peakMiB");
    return { name: system.name, values: [peak], targets: [below(peak, 120, "MiB")] };
  });
  return [
    rateTable(`Request rate, ${CONNECTIONS} kept-alive connections, 1 KiB replies, median of ${options.rounds}`, {
      results,
      absent,
    }),
    { title: "Resident set under that load, highest", columns: ["MiB"], rows: resident },
  ];
}

/** The same with a host that takes its time, so that what is measured is not who shares the processors best. */
export async function measureRateOfWaiting({ systems, absent }: Field, options: RateOptions): Promise<Table> {
  const results = await measureInterleaved(systems, { ...rateJob(options), waitMs: WAIT_MS }, options.rounds);
  return rateTable(`The same, with a host that takes ${WAIT_MS} ms`, { results, absent });
}

/** The same with a client that programs use. */
export async function measureRateOf(
  client: OtherClient,
  { systems, absent }: Field,
  options: RateOptions,
): Promise<Table> {
  const results = await measureInterleaved(systems, { ...rateJob(options), client }, options.rounds);
  return rateTable(`The same, by the client ${client}`, { results, absent });
}

function rateJob({ port, durationMs }: RateOptions): RateJob {
  return { kind: "rate", port, connections: CONNECTIONS, durationMs };
}

function rateTable(
  title: string,
  { results, absent }: {
    readonly results: ReadonlyMap<System, readonly Measurement[]>;
    readonly absent: readonly string[];
  },
): Table {
  const systems = [...results.keys()];
  const named = (name: string) => systems.find((system) => system.name.startsWith(name));
  const ratio = (system: System, base: System | undefined) =>
    base === undefined ? NaN : ratioOf(results.get(system), results.get(base), "requestsPerSecond");
  const [mitmproxy, mockttp] = [named("mitmproxy"), named("mockttp")];
  const rows = systems.map((system): Row => {
    const [ofDirect, ofMitmproxy, ofMockttp] = [systems[0], mitmproxy, mockttp].map((base) => ratio(system, base));
    const targets = [atLeast(ofDirect, 0.8, "of direct")];
    if (mitmproxy !== undefined) targets.push(atLeast(ofMitmproxy, 5, "× mitmproxy"));
    if (mockttp !== undefined) targets.push(atLeast(ofMockttp, 2, "× mockttp"));
    return {
      name: system.name,
      values: [medianOf(results.get(system), "requestsPerSecond"), ofDirect, ofMitmproxy, ofMockttp],
      targets: isKz(system) ? targets : [],
    };
  });
  return {
    title,
    columns: ["requests/s", "of direct", "× mitmproxy", "× mockttp"],
    rows: [...rows, ...absentRows(absent)],
  };
}

/** Latency of requests on one kept connection, and of a new connection with its first request. */
export async function measureLatency(
  { systems, absent }: Field,
  options: { port: number; requests: number; connections: number; rounds: number },
): Promise<Table[]> {
  const { port, requests, connections, rounds } = options;
  const kept = await measureInterleaved(systems, { kind: "latency", port, requests }, rounds);
  const fresh = await measureInterleaved(systems, { kind: "connect", port, connections }, rounds);
  return [
    latencyTable(`Latency on one kept connection, 1 KiB replies, ${requests} requests, median of ${rounds}`, kept, {
      absent,
      limitMs: 1,
    }),
    latencyTable(`A new connection and its first reply, ${connections} times, median of ${rounds}`, fresh, { absent }),
  ];
}

function latencyTable(
  title: string,
  results: ReadonlyMap<System, readonly Measurement[]>,
  { absent, limitMs }: { absent: readonly string[]; limitMs?: number },
): Table {
  const [direct = []] = results.values();
  const rows = Array.from(results, ([system, list]): Row => {
    const [p50, p99] = [medianOf(list, "p50Ms"), medianOf(list, "p99Ms")];
    const [addedP50, addedP99] = [p50 - medianOf(direct, "p50Ms"), p99 - medianOf(direct, "p99Ms")];
    const limited = isKz(system) && limitMs !== undefined;
    return {
      name: system.name,
      values: [p50, p99, addedP50, addedP99],
      targets: limited ? [below(addedP50, limitMs, "ms added at p50")] : [],
    };
  });
  return { title, columns: ["p50 ms", "p99 ms", "added p50", "added p99"], rows: [...rows, ...absentRows(absent)] };
}

function absentRows(absent: readonly string[]): Row[] {
  return absent.map((name) => ({ name, values: ["not installed"] }));
}
