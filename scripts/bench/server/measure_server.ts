import { KZ_VARIANTS } from "../kz_blind.ts";
import type { Table } from "../report.ts";
import { startUpstream } from "../upstream_process.ts";
import { benchBundle, BenchIssuer } from "./bench_bundle.ts";
import { measureFetches } from "./fetch_load.ts";
import { measurePolicies } from "./policy_decision.ts";
import { measureResolve } from "./resolve_rate.ts";
import { startServer } from "./running_server.ts";
import { measureServerStartup } from "./server_startup.ts";

/** How long and how often; the whole takes some four minutes, the quick one under one. */
const FULL = { rounds: 3, durationMs: 2000, fresh: 1920, decisions: 300, waves: 2, requests: 300, starts: 5 };
const QUICK: typeof FULL = {
  rounds: 2,
  durationMs: 1000,
  fresh: 640,
  decisions: 50,
  waves: 1,
  requests: 60,
  starts: 2,
};

/** Callers: each stays below 500 requests a second by itself. */
const CALLERS = 64;

/**
 * The sections of the benchmark of the team server, in order. Each may fail by itself.
 *
 * @param stack Ends what the sections share.
 */
export async function serverMeasurements(
  quick: boolean,
  stack: AsyncDisposableStack,
): Promise<readonly [name: string, measure: () => Promise<Table | Table[]>][]> {
  const size = quick ? QUICK : FULL;
  const token = `value-${crypto.randomUUID()}`;
  const upstream = stack.use(await startUpstream(token));
  const scratchDir = await Deno.makeTempDir({ prefix: "kz-bench-" });
  stack.defer(() => Deno.remove(scratchDir, { recursive: true }));
  const caFile = `${scratchDir}/upstream-ca.pem`;
  await Deno.writeTextFile(caFile, upstream.caPem);
  const issuer = await BenchIssuer.create();
  const jwtFile = `${scratchDir}/jwts.json`;
  await Deno.writeTextFile(jwtFile, JSON.stringify(await issuer.jwts(CALLERS)));
  const freshJwts = async () => {
    const path = `${scratchDir}/fresh.json`;
    await Deno.writeTextFile(path, JSON.stringify(await issuer.jwts(CALLERS, size.fresh / CALLERS)));
    return path;
  };
  const filesFor = (policies: number) => ({
    bundle: benchBundle({ issuer, policies, upstreamPort: upstream.port }),
    token,
    caPem: upstream.caPem,
  });
  const startAll = async (scope: AsyncDisposableStack, policies: number) => {
    const servers = [];
    for (const variant of KZ_VARIANTS) {
      servers.push({ name: variant, server: scope.use(await startServer(variant, filesFor(policies))) });
    }
    return servers;
  };
  return [
    ["resolve", async () => {
      await using scope = new AsyncDisposableStack();
      const [servers, manyPolicies] = [await startAll(scope, 10), await startAll(scope, 10_000)];
      return await measureResolve({ servers, manyPolicies, jwtFile, freshJwts, ...size });
    }],
    ["policies", () => Promise.resolve(measurePolicies(size))],
    ["fetch", async () => {
      await using scope = new AsyncDisposableStack();
      const servers = await startAll(scope, 10);
      return await measureFetches({ servers, upstream: { port: upstream.port, token, caFile }, jwtFile, ...size });
    }],
    ["start-up", () =>
      measureServerStartup({
        variants: KZ_VARIANTS,
        bundles: [
          { name: "10 policies", files: filesFor(10) },
          { name: "10,000 policies", files: filesFor(10_000) },
        ],
        rounds: size.starts,
      })],
  ];
}
