import config from "../../../deno.json" with { type: "json" };
import { AppError } from "../../../policy/error.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import type { Broker } from "../broker.ts";
import { Admission, countedBroker } from "../http/admission.ts";
import { createApp } from "../http/app.ts";
import type { CallerLimiter } from "../http/caller_limiter.ts";
import { Metrics } from "../http/metrics.ts";
import { type HttpServer, serve } from "../http/serve.ts";
import { SERVER_LIMITS } from "../http/server_limits.ts";
import { createMcpServer } from "../mcp/mcp_server.ts";
import { PortTransport } from "../mcp/port_transport.ts";
import { isLoopback } from "../supervisor/listen_address.ts";
import type { FrontListen, FrontSetup } from "./protocol.ts";

/** The ways in: HTTP with or without MCP, or MCP on the supervisor's standard streams. */
export class FrontDoors {
  readonly #server: HttpServer | undefined;

  constructor(server: HttpServer | undefined) {
    this.#server = server;
  }

  /** @throws {AppError} `SERVER_LISTEN_FAILED`, `SERVER_TLS_INVALID` */
  static async open(
    { listen, mcp, allowedHosts, stdio, jwtFile }: FrontSetup,
    { broker, limiter }: { broker: Broker; limiter: CallerLimiter },
  ): Promise<FrontDoors> {
    const { version } = config;
    const metrics = new Metrics();
    const jwt = jwtFile === undefined ? undefined : jwtReader(jwtFile);
    if (stdio !== undefined) {
      const server = createMcpServer(countedBroker(broker, metrics, "mcp-stdio"), { version, jwt });
      await server.connect(new PortTransport(stdio));
    }
    if (listen === undefined) return new FrontDoors(undefined);
    const app = createApp(broker, {
      admission: new Admission(SERVER_LIMITS, { limiter, metrics }),
      metrics,
      limits: SERVER_LIMITS,
      version,
      mcp: mcp ? { jwt } : undefined,
      loopback: isLoopback(listen),
      allowedHosts,
    });
    return new FrontDoors(await open(listen, (request, address) => app.fetch(request, { address })));
  }

  /** Undefined without HTTP. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  async shutdown(graceMs: number): Promise<void> {
    await this.#server?.shutdown(graceMs);
  }
}

async function open(listen: FrontListen, handle: Parameters<typeof serve>[0]): Promise<HttpServer> {
  const { hostname, port, tls } = listen;
  try {
    return await serve(handle, { hostname, port, tls, limits: SERVER_LIMITS });
  } catch (cause) {
    // A key of another certificate is an error without a name of its own.
    const isPlain = cause instanceof Error && cause.constructor === Error;
    if (tls !== undefined && (isPlain || cause instanceof Deno.errors.InvalidData)) {
      throw new AppError("SERVER_TLS_INVALID", "Cannot listen: the certificate or its key cannot be used", {
        cause,
        hints: ["Give the chain with --tls-cert and the key that belongs to it with --tls-key, both PEM"],
      });
    }
    const state = cause instanceof Deno.errors.AddrInUse ? "the address is in use" : "the system does not let us";
    throw new AppError("SERVER_LISTEN_FAILED", `Cannot listen on port ${port}: ${state}`, {
      cause,
      hints: ["Choose another address with --listen, or end what listens there"],
    });
  }
}

/** The JWT of `--jwt-file`, which the supervisor reads anew each time. */
function jwtReader(port: MessagePort): () => Promise<string> {
  const caller = new PortCaller<null, string>(port);
  return () => caller.call(null);
}
