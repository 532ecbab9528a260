import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import { Denial } from "../../../policy/server/denial.ts";
import type { Broker, FetchResult } from "../broker.ts";
import { timestamp } from "../http/answers.ts";
import { encodeUtf8 } from "../http/bytes.ts";
import { describeIssues } from "../http/describe_issues.ts";
import { ADVICE } from "./advice.ts";
import {
  FETCH_KEYS,
  fetchInput,
  type fetchOutput,
  RESOLVE_KEYS,
  resolveInput,
  type resolveOutput,
  toolList,
} from "./tools.ts";

export interface McpOptions {
  /** Of this program. */
  readonly version: string;
  /**
   * The JWT of this client, if the server has it: of `--jwt-file`, read for each call, or of the request's `Authorization`.
   * Then the argument `jwt` may be left out; one that is passed counts.
   */
  readonly jwt?: (() => Promise<string | undefined>) | undefined;
}

const INSTRUCTIONS =
  "KeyZero lets you use secrets without holding them. Call fetch to make an HTTPS request with a secret that you name; " +
  "call resolve for a token that a proxy replaces by the secret. Neither returns a secret.";

const USAGE_WITH_PROXY =
  "Put the token where the credential belongs and send the request through the proxy, before it expires.";
const USAGE_WITHOUT_PROXY =
  "This server has no proxy of its own: use the token where your operator has set one up, or call the tool fetch.";

/** For what a client is asked; this server asks nothing. The SDK would make a validator for each server, in milliseconds. */
const NO_SCHEMAS = {
  getValidator: () => () => ({ valid: false, data: undefined, errorMessage: "nothing is asked" } as const),
};

/**
 * The MCP server for one client: the tools `resolve` and `fetch`, on any transport.
 *
 * It is made of the SDK's lower-level server, since the other one repeats names and arguments in its errors.
 */
export function createMcpServer(broker: Broker, options: McpOptions): Server {
  const server = new Server(
    { name: "keyzero", title: "KeyZero", version: options.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS, jsonSchemaValidator: NO_SCHEMAS },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: toolList(options.jwt !== undefined) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }: CallToolRequest): Promise<CallToolResult> => {
    const call = TOOLS.get(params.name);
    // Names of others are not repeated.
    if (call === undefined) throw new McpError(ErrorCode.InvalidParams, "There is no such tool: call resolve or fetch");
    try {
      return await call(params.arguments ?? {}, broker, options);
    } catch (error) {
      return errorResult(error);
    }
  });
  // What a client sent wrongly is answered to it; its text goes nowhere else.
  server.onerror = () => {};
  return server;
}

type ToolCall = (input: unknown, broker: Broker, options: McpOptions) => Promise<CallToolResult>;

const TOOLS: ReadonlyMap<string, ToolCall> = new Map<string, ToolCall>([["resolve", callResolve], [
  "fetch",
  callFetch,
]]);

async function callResolve(input: unknown, broker: Broker, options: McpOptions): Promise<CallToolResult> {
  const { jwt, resource, context = {} } = read(resolveInput, input, RESOLVE_KEYS);
  const request = { jwt: jwt ?? await options.jwt?.(), refs: [resource], context, masksAlways: true };
  const result = (await broker.resolve(request)).get(resource);
  if (result?.allowed === false) throw result.denial;
  // Whatever the mode: a value never goes to a model.
  if (result?.mode !== "masked") throw new Denial("INTERNAL");
  const { token, tokenId, expiresAt, proxy, policy } = result;
  const output: z.infer<typeof resolveOutput> = {
    resource,
    token,
    token_id: tokenId,
    expires_at: timestamp(expiresAt),
    ...(proxy === undefined ? {} : { proxy }),
    policy,
    usage: proxy === undefined ? USAGE_WITHOUT_PROXY : USAGE_WITH_PROXY,
  };
  return structured(output);
}

async function callFetch(input: unknown, broker: Broker, options: McpOptions): Promise<CallToolResult> {
  const { jwt, resource, resolver, url, method, headers = {}, body } = read(fetchInput, input, FETCH_KEYS);
  const result = await broker.fetch({
    jwt: jwt ?? await options.jwt?.(),
    resource,
    resolver,
    url,
    method: method?.toUpperCase(),
    headers,
    body: body === undefined ? undefined : encodeUtf8(body),
    context: {},
  });
  return structured(fetchOutputOf(result));
}

function fetchOutputOf({ status, headers, body, notes }: FetchResult): z.infer<typeof fetchOutput> {
  const read = body.kind === "text"
    ? { body: body.text, encoding: "text" as const }
    : { body: body.base64, encoding: "base64" as const, media_type: body.mediaType };
  return { status, headers, ...read, notes: [...notes] };
}

/** @throws {Denial} `REQUEST_INVALID`; its detail names members of the schema and never what was passed. */
function read<Schema extends z.ZodObject>(schema: Schema, input: unknown, keys: readonly string[]): z.infer<Schema> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new Denial("REQUEST_INVALID", { detail: describeIssues(parsed.error, keys) });
  return parsed.data;
}

/** Both as data and, for clients that do not read it, as text (MCP 2025-11-25, Tools, "Structured Content"). */
function structured(output: Record<string, unknown>): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(output) }], structuredContent: output };
}

/** What is no denial is a fault of ours, and its text is left out. */
function errorResult(thrown: unknown): CallToolResult {
  const denial = thrown instanceof Denial ? thrown : new Denial("INTERNAL");
  const detail = denial.detail === undefined ? "" : `: ${denial.detail}`;
  const text = `error[${denial.code}]: ${denial.title}${detail}. ${ADVICE[denial.code]}`;
  return { isError: true, content: [{ type: "text", text }] };
}
