/**
 * Measures kz against no proxy and against its peers, as ratios, in one run on one machine.
 *
 *     deno task bench [--quick] [--server]
 *
 * `--server` measures the team server, and that alone.
 * `KZ_BINARY` adds the compiled program, `KZ_EMPTY_BINARY` an empty one for its start-up. Runs with all permissions, since
 * it reads the resident set of other processes. Exit status 0 whatever the numbers say, 1 if something could not be
 * measured.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "../../tests/support/kz.ts";
import { bareInterception } from "./bare_interception.ts";
import { direct } from "./direct.ts";
import { KZ_VARIANTS, kzBlind, makeBenchProject } from "./kz_blind.ts";
import { describeMachine } from "./machine.ts";
import { mitmproxy } from "./peers/mitmproxy.ts";
import { mockttp } from "./peers/mockttp.ts";
import { printTable, type Table, writeReport } from "./report.ts";
import { measureSecretCounts } from "./secret_count.ts";
import { measureStartup } from "./startup.ts";
import { serverMeasurements } from "./server/measure_server.ts";
import { measureEvents, measureStreaming } from "./streaming.ts";
import type { System } from "./system.ts";
import { type Field, measureLatency, measureRate, measureRateOf, measureRateOfWaiting } from "./throughput.ts";
import { startUpstream } from "./upstream_process.ts";

/** How long and how often; the whole stays under five minutes, the quick one under one. */
const FULL = {
  rounds: 5,
  durationMs: 2000,
  requests: 2000,
  connections: 50,
  bytes: 2 ** 30,
  streams: 2,
  events: 10_000,
  starts: 21,
  secretRounds: 3,
};
const QUICK: typeof FULL = {
  rounds: 2,
  durationMs: 800,
  requests: 300,
  connections: 10,
  bytes: 2 ** 28,
  streams: 1,
  events: 2000,
  starts: 5,
  secretRounds: 1,
};

async function main(): Promise<boolean> {
  const options = { quick: { type: "boolean" }, server: { type: "boolean" } } as const;
  const { values: { quick = false, server = false } } = parseArgs({ options });
  const machine = describeMachine();
  console.log(
    `KeyZero benchmark${quick ? " (quick)" : ""}: ${machine.os} ${machine.arch}, ${machine.processors} × ` +
      `${machine.processor}, ${machine.memoryGiB} GiB, Deno ${machine.deno}; load ${Deno.loadavg()[0]!.toFixed(1)}`,
  );
  await using stack = new AsyncDisposableStack();
  const measurements = await (server ? serverMeasurements(quick, stack) : blindMeasurements(quick, stack));
  const tables: Table[] = [];
  let complete = true;
  for (const [name, measure] of measurements) {
    try {
      for (const table of [await measure()].flat()) {
        printTable(table);
        tables.push(table);
      }
    } catch (error) {
      complete = false;
      console.error(`\n${name}: ${error instanceof Error ? error.message : "could not be measured"}`);
    }
  }
  await writeReport(`${ROOT}.bench/${server ? "server" : "latest"}.json`, {
    machine,
    date: new Date().toISOString().slice(0, 10),
    quick,
    tables,
  });
  return complete;
}

/** Clients that programs use, beside our own, which is as cheap as one can be. */
const CLIENTS = ["requests", "fetch"] as const;

type Measurement = readonly [name: string, measure: () => Promise<Table | Table[]>];

/** The sections of the benchmark of `kz run` and `kz run --blind`. */
async function blindMeasurements(quick: boolean, stack: AsyncDisposableStack): Promise<readonly Measurement[]> {
  const size = quick ? QUICK : FULL;
  const value = `value-${crypto.randomUUID()}`;
  const upstream = stack.use(await startUpstream(value));
  const scratchDir = await Deno.makeTempDir({ prefix: "kz-bench-" });
  stack.defer(() => Deno.remove(scratchDir, { recursive: true }));
  const caFile = `${scratchDir}/upstream-ca.pem`;
  await Deno.writeTextFile(caFile, upstream.caPem);
  const makeProject = () =>
    makeBenchProject({ token: value, secretCount: 1, port: upstream.port, caPem: upstream.caPem });

  const none = direct({ token: value, caFile });
  const kz: System[] = [];
  for (const variant of KZ_VARIANTS) kz.push(stack.use(kzBlind(variant, await makeProject())));
  const peers: System[] = [];
  const absent: string[] = [];
  for (const peer of [mitmproxy, mockttp]) {
    const system = await peer.start({
      token: `kz_masked_${"0".repeat(32)}`,
      value,
      upstreamCaFile: caFile,
      scratchDir,
      packageDir: `${ROOT}.bench/packages`,
    });
    if (system === undefined) absent.push(peer.name);
    else peers.push(stack.use(system));
  }
  const field: Field = { systems: [none, ...kz, ...peers], absent };
  const own = [none, ...kz];
  const bare = stack.use(await bareInterception({ token: value, upstreamCaFile: caFile, scratchDir }));
  const { port, caPem } = upstream;
  const startProject = stack.use(await makeProject());

  return [
    ["rate", () => measureRate({ systems: [...field.systems, bare], absent }, { port, ...size })],
    ["rate, waiting host", () => measureRateOfWaiting({ systems: own, absent: [] }, { port, ...size })],
    ...CLIENTS.map((client): Measurement => [
      `rate, ${client}`,
      () => measureRateOf(client, { systems: own, absent: [] }, { port, ...size, rounds: size.secretRounds }),
    ]),
    ["latency", () => measureLatency(field, { port, ...size, rounds: size.secretRounds })],
    ["streaming", () => measureStreaming(own, { port, bytes: size.bytes, rounds: size.streams })],
    ["events", () => measureEvents(own, { port, count: size.events, rounds: size.streams })],
    ["secrets", () => {
      return measureSecretCounts({ token: value, port, caPem, ...size, rounds: size.secretRounds });
    }],
    ["start-up", () => measureStartup({ project: startProject, variants: KZ_VARIANTS, rounds: size.starts })],
  ];
}

process.exitCode = await main() ? 0 : 1;
