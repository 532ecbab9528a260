import { type Context, Hono } from "hono";
import type { z } from "zod";
import { Denial } from "../../../policy/server/denial.ts";
import type { Broker } from "../broker.ts";
import type { McpOptions } from "../mcp/mcp_server.ts";
import { handleMcp } from "../mcp/streamable_http.ts";
import type { Admission } from "./admission.ts";
import { fetchAnswerOf, fetchRequestOf, resolveAnswerOf, revokeTargetOf } from "./answers.ts";
import { bearerToken } from "./bearer.ts";
import { describeIssues } from "./describe_issues.ts";
import { guardHost, type HostGuardOptions } from "./host_guard.ts";
import type { Metrics } from "./metrics.ts";
import { openApiText } from "./openapi.ts";
import { HttpProblem, problemResponse, toProblem } from "./problem.ts";
import { readBody } from "./read_body.ts";
import { fetchBody, resolveBody, revokeBody } from "./schemas.ts";
import type { ServerLimits } from "./server_limits.ts";
import { parseRequestJson } from "./request_json.ts";

export interface AppOptions extends HostGuardOptions {
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly limits: ServerLimits;
  /** Of this program, for the OpenAPI document and MCP. */
  readonly version: string;
  /**
   * Serves MCP at `/mcp`; absent: the path is not there. The server's own JWT is lent to clients on the same machine only:
   * over a network, whoever reaches the port would be that workload.
   */
  readonly mcp: Pick<McpOptions, "jwt"> | undefined;
}

/** What {@linkcode createApp} is told of a connection. */
export interface Peer {
  /** The IP address that the request came from. */
  readonly address: string;
}

type Env = { Bindings: Peer };
type Handler = (context: Context<Env>) => Response | Promise<Response>;

const JSON_TYPE_REGEXP = /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i;
/** What a sender did wrong by itself: the address pays for it. */
const OWN_FAULTS: ReadonlySet<number> = new Set([400, 401, 408, 413, 415]);
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

/**
 * The HTTP API: routes, checks of form, errors as RFC 9457 has them. What is decided, the broker decides.
 *
 * Call `app.fetch(request, peer)`.
 */
export function createApp(broker: Broker, options: AppOptions): Hono<Env> {
  const { metrics, mcp } = options;
  // Without decoding it: a path has one spelling, for us and for what may stand before us (TM-19).
  const app = new Hono<Env>({ getPath: ({ url }) => new URL(url).pathname });
  const routes: [path: string, method: "GET" | "POST", handler: Handler][] = [
    ["/healthz", "GET", () => plain("ok\n", "text/plain; charset=utf-8")],
    ["/metrics", "GET", light(options, () => plain(metrics.text(), "text/plain; version=0.0.4; charset=utf-8"))],
    ["/openapi.json", "GET", light(options, () => plain(openApiText(options.version), "application/json"))],
    ["/v1/ca.pem", "GET", light(options, () => caPem(broker))],
    ["/v1/resolve", "POST", guarded(options, (context) => postResolve(context, broker, options))],
    ["/v1/fetch", "POST", guarded(options, (context) => postFetch(context, broker, options))],
    ["/v1/revoke", "POST", guarded(options, (context) => postRevoke(context, broker, options))],
  ];
  const paths = new Set([...routes.map(([path]) => path), ...(mcp === undefined ? [] : ["/mcp"])]);
  watchMemory(metrics);

  app.use(async (context, next) => {
    const started = performance.now();
    await next();
    const { headers, status } = context.res;
    headers.set("cache-control", "no-store");
    headers.set("x-content-type-options", "nosniff");
    const route = paths.has(context.req.path) ? context.req.path : "other";
    const method = METHODS.has(context.req.method) ? context.req.method : "other";
    metrics.count("keyzero_http_requests_total", "Requests by route, method and status", {
      route,
      method,
      status: String(status),
    });
    metrics.observe("keyzero_http_request_seconds", "From a request's head to its answer", {
      labels: { route },
      seconds: (performance.now() - started) / 1000,
    });
  });
  for (const [path, method, handler] of routes) {
    app.on(method, path, handler);
    const allow = method === "GET" ? "GET, HEAD, OPTIONS" : `${method}, OPTIONS`;
    app.options(path, () => new Response(null, { status: 204, headers: { allow } }));
    app.all(path, () => problemResponse(new HttpProblem("METHOD_NOT_ALLOWED", { headers: { allow } })));
  }
  if (mcp !== undefined) {
    const own = options.loopback ? mcp : { jwt: undefined };
    app.all(
      "/mcp",
      guarded(options, (context) => handleMcp(context.req.raw, broker, { ...options, mcp: own, ...context.env })),
    );
  }
  app.notFound(() => problemResponse(new HttpProblem("ROUTE_UNKNOWN")));
  app.onError((error) => problemResponse(error));
  return app;
}

function plain(text: string, type: string): Response {
  return new Response(text, { headers: { "content-type": type } });
}

function caPem(broker: Broker): Response {
  if (broker.proxyCa === undefined) throw new HttpProblem("PROXY_ABSENT");
  return plain(broker.proxyCa, "application/x-pem-file");
}

/** For what costs little and is asked for without credentials: the address pays for it. */
function light(options: AppOptions, handler: Handler): Handler {
  return (context) => {
    guardHost(context.req.raw, options);
    const { limiter } = options.admission;
    limiter.admitAddress(context.env.address);
    limiter.chargeAddress(context.env.address);
    return handler(context);
  };
}

function guarded(options: AppOptions, handler: Handler): Handler {
  return async (context) => {
    const { admission } = options;
    const { address } = context.env;
    guardHost(context.req.raw, options);
    using _ = admission.open(address);
    try {
      return await handler(context);
    } catch (error) {
      const problem = toProblem(error);
      if (OWN_FAULTS.has(problem.status)) admission.limiter.chargeAddress(address);
      return problemResponse(problem);
    }
  };
}

/** Reads the body, hands it to `use`, and holds its bytes until that has ended. */
async function withBody<Schema extends z.ZodObject>(
  context: Context<Env>,
  { schema, maxBytes, limits, admission }: { schema: Schema; maxBytes: number } & AppOptions,
  use: (body: z.infer<Schema>) => Promise<Response>,
): Promise<Response> {
  const request = context.req.raw;
  if (!JSON_TYPE_REGEXP.test(request.headers.get("content-type") ?? "")) {
    throw new HttpProblem("MEDIA_TYPE_UNSUPPORTED");
  }
  // A coding would be a second length, which no cap here knows.
  if (request.headers.has("content-encoding")) throw new HttpProblem("MEDIA_TYPE_UNSUPPORTED");
  using lease = admission.heldBytes.lease(context.env.address);
  const bytes = await readBody(request, lease, { maxBytes, ms: limits.bodyMs });
  const parsed = schema.safeParse(parseRequestJson(bytes, limits.jsonDepth));
  if (!parsed.success) {
    throw new Denial("REQUEST_INVALID", { detail: describeIssues(parsed.error, Object.keys(schema.shape)) });
  }
  return await use(parsed.data);
}

function admitted(context: Context<Env>, broker: Broker, options: AppOptions): Broker {
  const { signal } = context.req.raw;
  return options.admission.brokerFor(broker, { door: "http", address: context.env.address, signal });
}

function postResolve(context: Context<Env>, broker: Broker, options: AppOptions): Promise<Response> {
  const jwt = bearerToken(context.req.header("authorization"));
  return withBody(context, { ...options, schema: resolveBody, maxBytes: options.limits.resolveBytes }, async (body) => {
    const refs = body.refs ?? (body.ref === undefined ? [] : [body.ref]);
    const request = { jwt, refs, context: body.context ?? {}, masksAlways: false };
    return context.json(resolveAnswerOf(await admitted(context, broker, options).resolve(request)));
  });
}

function postFetch(context: Context<Env>, broker: Broker, options: AppOptions): Promise<Response> {
  const jwt = bearerToken(context.req.header("authorization"));
  return withBody(
    context,
    { ...options, schema: fetchBody, maxBytes: options.limits.fetchBytes },
    async (body) =>
      context.json(fetchAnswerOf(await admitted(context, broker, options).fetch(fetchRequestOf(body, jwt)))),
  );
}

function postRevoke(context: Context<Env>, broker: Broker, options: AppOptions): Promise<Response> {
  const jwt = bearerToken(context.req.header("authorization"));
  return withBody(context, { ...options, schema: revokeBody, maxBytes: options.limits.revokeBytes }, async (body) => {
    await admitted(context, broker, options).revoke({ jwt, target: revokeTargetOf(body) });
    return new Response(null, { status: 204 });
  });
}

function watchMemory(metrics: Metrics): void {
  metrics.gauge("keyzero_memory_resident_bytes", "Of the whole process", () => Deno.memoryUsage().rss);
  metrics.gauge("keyzero_memory_heap_bytes", "Of the worker that serves", () => Deno.memoryUsage().heapUsed);
}
