import { fileURLToPath } from "node:url";
import { atLeast, below, type Row, type Table } from "../report.ts";
import { median } from "../statistics.ts";
import { TextLineStream } from "../text_line_stream.ts";
import { benchRef } from "./bench_bundle.ts";
import type { RunningServer } from "./running_server.ts";
import type { ServerJob } from "./server_client.ts";
import { runServerJob } from "./server_job.ts";

/** Enough that the server always has work, and so few that each caller stays far below its own limit. */
const CONNECTIONS = 64;
const BATCHES = [1, 10, 100];

interface NamedServer {
  readonly name: string;
  readonly server: RunningServer;
}

export interface ResolveOptions {
  readonly servers: readonly NamedServer[];
  /** With 10,000 policies of which the last decides: a decision takes milliseconds, and 3,000 a second are not owed. */
  readonly manyPolicies: readonly NamedServer[];
  /** JSON: some JWTs of each caller, taken over and over. */
  readonly jwtFile: string;
  /** JSON: JWTs of which each is used once. Made anew for each round: what is known is not verified again. */
  readonly freshJwts: () => Promise<string>;
  readonly durationMs: number;
  readonly rounds: number;
}

/** Decisions a second over kept connections, next to a listener that answers a constant to the same client. */
export async function measureResolve(options: ResolveOptions): Promise<Table[]> {
  await using constant = await startConstant();
  const { jwtFile, durationMs, rounds } = options;
  const cases: { readonly name: string; readonly batch: number; readonly run: () => Promise<number> }[] = [];
  const rate = (port: number, batch: number, more: { jwtFile: string; distinct: boolean }) => async () => {
    const job: ServerJob = { kind: "resolve", port, connections: CONNECTIONS, batch, durationMs, ...more };
    return (await runServerJob(job)).requestsPerSecond! * batch;
  };
  cases.push({ name: "constant answer", batch: 1, run: rate(constant.port, 1, { jwtFile, distinct: false }) });
  for (const { name, server } of options.servers) {
    for (const batch of BATCHES) {
      const refs = batch === 1 ? "1 ref" : `${batch} refs`;
      cases.push({ name: `${name}, ${refs}`, batch, run: rate(server.port, batch, { jwtFile, distinct: false }) });
    }
    const run = async () => await rate(server.port, 1, { jwtFile: await options.freshJwts(), distinct: true })();
    cases.push({ name: `${name}, new JWT each`, batch: 1, run });
  }
  for (const { name, server } of options.manyPolicies) {
    cases.push({ name: `${name}, 10,000 policies`, batch: 1, run: rate(server.port, 1, { jwtFile, distinct: false }) });
  }
  // Round by round, so that a slow moment of the machine hits all alike.
  const results = new Map(cases.map((one) => [one, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [one, list] of results) list.push(await one.run());
  }
  const base = results.get(cases[0]!)!;
  const rows = Array.from(results, ([one, list]): Row => {
    const decisions = median(list);
    const ratio = median(list.map((value, round) => value / one.batch / base[round]!));
    const isAim = / refs?$/.test(one.name);
    return {
      name: one.name,
      values: [decisions, decisions / one.batch, ratio],
      targets: isAim ? [atLeast(decisions, 3000, "decisions/s")] : [],
    };
  });
  return [
    {
      title: `Resolve, ${CONNECTIONS} kept connections, audit log on disk, median of ${rounds}`,
      columns: ["decisions/s", "requests/s", "of constant"],
      rows,
    },
    await measureLatency(options, constant.port),
  ];
}

async function measureLatency(
  { servers, manyPolicies, jwtFile, rounds }: ResolveOptions,
  constantPort: number,
): Promise<Table> {
  const rows: Row[] = [];
  const many = manyPolicies.map(({ name, server }) => ({ name: `${name}, 10,000 policies`, port: server.port }));
  const one = servers.map(({ name, server }) => ({ name, port: server.port }));
  for (const { name, port } of [{ name: "constant answer", port: constantPort }, ...one, ...many]) {
    const results = [];
    for (let round = 0; round < rounds; round++) {
      results.push(await runServerJob({ kind: "resolve-latency", port, jwtFile, requests: 400 }));
    }
    const [p50, p99] = [median(results.map(({ p50Ms }) => p50Ms!)), median(results.map(({ p99Ms }) => p99Ms!))];
    rows.push({ name, values: [p50, p99], targets: port === constantPort ? [] : [below(p50, 5, "ms")] });
  }
  const disk = await syncMs();
  rows.push({ name: "a line to this disk (fdatasync)", values: [disk.p50Ms, disk.p99Ms] });
  return { title: "One resolve after the other", columns: ["p50 ms", "p99 ms"], rows };
}

/** What an acknowledged line costs at least. */
async function syncMs(): Promise<{ p50Ms: number; p99Ms: number }> {
  const path = await Deno.makeTempFile({ prefix: "kz-bench-" });
  const times: number[] = [];
  try {
    using file = await Deno.open(path, { append: true });
    for (let line = 0; line < 100; line++) {
      const start = performance.now();
      await file.write(new Uint8Array(450));
      await file.syncData();
      times.push(performance.now() - start);
    }
  } finally {
    await Deno.remove(path);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: times[50]!, p99Ms: times[98]! };
}

/** As long as the server's own answer to one ref. */
async function startConstant(): Promise<AsyncDisposable & { readonly port: number }> {
  const result = {
    allowed: true,
    policy: "team-9999-reads-its-own",
    mode: "masked",
    token: "K".repeat(176),
    token_id: "0".repeat(32),
    expires_at: new Date().toISOString(),
  };
  const script = fileURLToPath(new URL("./constant_listener.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net=127.0.0.1",
      script,
      JSON.stringify({ results: { [benchRef(0)]: result } }),
    ],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  const port = Number((await lines.read()).value);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await lines.cancel();
    },
  };
}
