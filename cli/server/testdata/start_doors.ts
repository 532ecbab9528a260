import { Admission } from "../http/admission.ts";
import { createApp } from "../http/app.ts";
import { CallerLimiter } from "../http/caller_limiter.ts";
import { Metrics } from "../http/metrics.ts";
import { type HttpServer, serve } from "../http/serve.ts";
import { SERVER_LIMITS, type ServerLimits } from "../http/server_limits.ts";
import { type TestBroker, testBroker } from "./test_broker.ts";

export interface Doors extends HttpServer {
  readonly url: string;
  readonly broker: TestBroker;
  readonly metrics: Metrics;
  readonly admission: Admission;
}

/** Serves HTTP and MCP on loopback, with the broker of the tests. */
export async function startDoors(
  options: {
    limits?: Partial<ServerLimits>;
    jwt?: () => Promise<string | undefined>;
    proxyCa?: string;
    tls?: { cert: string; key: string };
    loopback?: boolean;
    allowedHosts?: readonly string[];
    mcp?: boolean;
    port?: number;
  } = {},
): Promise<Doors> {
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const limiter = new CallerLimiter(limits, () => performance.now());
  const metrics = new Metrics();
  const admission = new Admission(limits, { limiter, metrics });
  const broker = testBroker({ limiter, ...(options.proxyCa === undefined ? {} : { proxyCa: options.proxyCa }) });
  const app = createApp(broker, {
    admission,
    metrics,
    limits,
    version: "0.0.0",
    mcp: options.mcp === false ? undefined : { jwt: options.jwt },
    loopback: options.loopback ?? true,
    allowedHosts: options.allowedHosts ?? [],
  });
  const server = await serve((request, address) => app.fetch(request, { address }), {
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    tls: options.tls,
    limits,
  });
  return {
    port: server.port,
    shutdown: (graceMs) => server.shutdown(graceMs),
    [Symbol.dispose]: () => server[Symbol.dispose](),
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`,
    broker,
    metrics,
    admission,
  };
}

if (import.meta.main) {
  const { JWT } = await import("./test_broker.ts");
  const doors = await startDoors({ port: Number(Deno.args[0] ?? 0), jwt: () => Promise.resolve(JWT) });
  console.log(doors.url);
}
