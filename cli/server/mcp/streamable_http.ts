import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { Denial } from "../../../policy/server/denial.ts";
import type { Broker } from "../broker.ts";
import type { Admission } from "../http/admission.ts";
import { bearerToken } from "../http/bearer.ts";
import { HttpProblem, problemResponse } from "../http/problem.ts";
import { readBody } from "../http/read_body.ts";
import type { ServerLimits } from "../http/server_limits.ts";
import { parseRequestJson } from "../http/request_json.ts";
import { createMcpServer, type McpOptions } from "./mcp_server.ts";

export interface McpHttpOptions {
  readonly admission: Admission;
  readonly limits: ServerLimits;
  readonly version: string;
  readonly mcp: Pick<McpOptions, "jwt">;
  /** Of the client. */
  readonly address: string;
}

/**
 * MCP over streamable HTTP, one request at a time and nothing kept between them.
 *
 * The server sends nothing of its own accord, so it needs neither sessions nor a stream; any replica can answer any
 * request. Each is a POST with one message, answered as JSON. The JWT may come as `Authorization: Bearer` as well.
 *
 * @see MCP 2025-11-25, Transports, "Streamable HTTP"
 */
export async function handleMcp(request: Request, broker: Broker, options: McpHttpOptions): Promise<Response> {
  const { limits, admission, version, mcp, address } = options;
  if (request.method !== "POST") {
    return problemResponse(new HttpProblem("METHOD_NOT_ALLOWED", { headers: { allow: "POST" } }));
  }
  const protocol = request.headers.get("mcp-protocol-version");
  // The SDK would repeat it.
  if (protocol !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(protocol)) {
    throw new Denial("REQUEST_INVALID", {
      detail: `Mcp-Protocol-Version is none of: ${SUPPORTED_PROTOCOL_VERSIONS.join(", ")}`,
    });
  }
  const bearer = bearerToken(request.headers.get("authorization"));
  // A coding would be a second length, which no cap here knows.
  if (request.headers.has("content-encoding")) throw new HttpProblem("MEDIA_TYPE_UNSUPPORTED");
  using lease = admission.heldBytes.lease(address);
  const bytes = await readBody(request, lease, { maxBytes: limits.fetchBytes, ms: limits.bodyMs });
  let isCallers = false;
  // A tool's error is a good answer to HTTP, and a handshake asks for no JWT: the address pays for both (TM-38).
  using _ = { [Symbol.dispose]: () => isCallers || admission.limiter.chargeAddress(address) };
  let parsedBody: unknown;
  try {
    parsedBody = parseRequestJson(bytes, limits.jsonDepth);
  } catch {
    return rpcError(400, -32700, "Parse error: the body is not JSON, has a member twice or is nested too deeply");
  }
  // A batch would be many requests for the price of one; protocol versions since 2025-06-18 have none.
  if (Array.isArray(parsedBody)) return rpcError(400, -32600, "Invalid request: send one message at a time");
  const server = createMcpServer(
    watchedBroker(admission.brokerFor(broker, { door: "mcp-http", address, signal: request.signal }), () => {
      isCallers = true;
    }),
    { version, jwt: bearer === undefined ? mcp.jwt : () => Promise.resolve(bearer) },
  );
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  const gone = Promise.withResolvers<Response>();
  const leave = () => gone.resolve(new Response(null, { status: 499 }));
  request.signal.addEventListener("abort", leave);
  try {
    const response = await Promise.race([transport.handleRequest(request, { parsedBody }), gone.promise]);
    return response;
  } finally {
    request.signal.removeEventListener("abort", leave);
    await server.close();
  }
}

/** Tells when a caller is verified: the broker did what it was asked, or refused it for another reason than who calls. */
function watchedBroker(broker: Broker, onVerified: () => void): Broker {
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      onVerified();
      return result;
    } catch (error) {
      if (!(error instanceof Denial && error.status === 401)) onVerified();
      throw error;
    }
  };
  return {
    resolve: (request) => watch(broker.resolve(request)),
    fetch: (request) => watch(broker.fetch(request)),
    revoke: (request) => watch(broker.revoke(request)),
    proxyCa: broker.proxyCa,
  };
}

function rpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", id: null, error: { code, message } }, { status });
}
