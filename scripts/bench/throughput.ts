import type { Job } from "./load_client.ts";
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

/** What a comparison consists of: `direct` first, then kz, then the peers that are there. */
export interface Field {
  readonly systems: readonly System[];
  readonly absent: readonly string[];
}

const isKz = (system: System) => system.name.startsWith("kz");

/** Request rate at 16 connections, and the resident set of kz under that load. */
export async function measureRate(
  { systems, absent }: Field,
  options: { port: number; durationMs: number; rounds: number },
): Promise<Table[]> {
  const job: Job = { kind: "rate", port: options.port, connections: CONNECTIONS, durationMs: options.durationMs };
  const results = await measureInterleaved(systems, job, options.rounds);
  const rate = (system: System | undefined) =>
    system === undefined ? NaN : medianOf(results.get(system), "requestsPerSecond");
  const direct = rate(systems[0]);
  const mitmproxy = rate(systems.find(({ name }) => name.startsWith("mitmproxy")));
  const rows = systems.map((system): Row => {
    const own = rate(system);
    const targets = [atLeast(own / direct, 0.6, "of direct")];
    if (!Number.isNaN(mitmproxy)) targets.push(atLeast(own / mitmproxy, 3, "× mitmproxy"));
    return {
      name: system.name,
      values: [own, own / direct, own / mitmproxy],
      targets: isKz(system) ? targets : [],
    };
  });
  const resident = systems.filter(isKz).map((system): Row => {
    const peak = medianOf(results.get(system), "peakMiB");
    return { name: system.name, values: [peak], targets: [below(peak, 120, "MiB")] };
  });
  return [
    {
      title: `Request rate, ${CONNECTIONS} kept-alive connections, 1 KiB replies, median of ${options.rounds}`,
      columns: ["requests/s", "of direct", "× mitmproxy"],
      rows: [...rows, ...absentRows(absent)],
    },
    { title: "Resident set under that load, highest", columns: ["MiB"], rows: resident },
  ];
}

/** Latency at one connection. */
export async function measureLatency(
  { systems, absent }: Field,
  options: { port: number; requests: number; rounds: number },
): Promise<Table> {
  const job: Job = { kind: "latency", port: options.port, requests: options.requests };
  const results = await measureInterleaved(systems, job, options.rounds);
  const of = (system: System | undefined, field: "p50Ms" | "p99Ms") =>
    system === undefined ? NaN : medianOf(results.get(system), field);
  const rows = systems.map((system): Row => {
    const [p50, p99] = [of(system, "p50Ms"), of(system, "p99Ms")];
    const [addedP50, addedP99] = [p50 - of(systems[0], "p50Ms"), p99 - of(systems[0], "p99Ms")];
    return {
      name: system.name,
      values: [p50, p99, addedP50, addedP99],
      targets: isKz(system) ? [below(addedP50, 1.5, "ms added at p50")] : [],
    };
  });
  return {
    title: `Latency, one connection, 1 KiB replies, ${options.requests} requests, median of ${options.rounds}`,
    columns: ["p50 ms", "p99 ms", "added p50", "added p99"],
    rows: [...rows, ...absentRows(absent)],
  };
}

function absentRows(absent: readonly string[]): Row[] {
  return absent.map((name) => ({ name, values: ["not installed"] }));
}
