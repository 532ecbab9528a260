/** MCP over streamable HTTP, with the official client, and with messages that it would not send. */
// Longer than 300 lines: what the transport owes and refuses, message by message.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { DENIAL_CODES } from "../../../policy/server/denial.ts";
import { startDoors } from "../testdata/start_doors.ts";
import { CANARY, JWT } from "../testdata/test_broker.ts";
import { ADVICE } from "./advice.ts";

/** What a model sends and must never be sent back. */
const SENT = "sent-6f1d0e";

/** What of a tool these tests look at. */
interface ListedTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: {
    readonly required?: readonly string[];
    readonly additionalProperties?: unknown;
    readonly properties: Readonly<Record<string, object>>;
  };
  readonly outputSchema?: object;
  readonly annotations?: { readonly destructiveHint?: boolean };
}

async function list(client: Client): Promise<readonly ListedTool[]> {
  return (await client.listTools()).tools;
}

async function connect(url: string, headers: Record<string, string> = {}): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

Deno.test("the official client lists both tools, with schemas and hints [S-5.2]", async () => {
  using doors = await startDoors();
  {
    await using client = await connect(doors.url);
    const tools = await list(client);
    assert.deepEqual(tools.map(({ name }) => name), ["resolve", "fetch"]);
    for (const { description, inputSchema, outputSchema, annotations } of tools) {
      assert.ok(description!.length > 200);
      assert.ok(outputSchema !== undefined && annotations !== undefined);
      assert.ok(inputSchema.required!.includes("jwt") && inputSchema.required!.includes("resource"));
      assert.equal(inputSchema.additionalProperties, false);
      // A model has no other document.
      for (const property of Object.values(inputSchema.properties)) {
        assert.ok("description" in property || "pattern" in property, JSON.stringify(property));
      }
    }
    assert.equal(tools[1]?.annotations?.destructiveHint, true);
    assert.match(client.getInstructions() ?? "", /fetch/);
    assert.deepEqual(client.getServerCapabilities(), { tools: {} });
  }
  await doors.shutdown(1000);
});

Deno.test("resolve gives a token as data and text, and never a value, whatever the mode [S-5.3]", async () => {
  using doors = await startDoors();
  {
    await using client = await connect(doors.url);
    const masked = await client.callTool({ name: "resolve", arguments: { jwt: JWT, resource: "github/pat" } });
    assert.deepEqual(masked.structuredContent, {
      resource: "github/pat",
      token: "KZ_TOK_abc",
      token_id: "id1",
      expires_at: "2030-01-02T03:04:05.000Z",
      proxy: "http://pass:word@127.0.0.1:8080",
      policy: "tests",
      usage: "Put the token where the credential belongs and send the request through the proxy, before it expires.",
    });
    assert.deepEqual(masked.content, [{ type: "text", text: JSON.stringify(masked.structuredContent) }]);
    const direct = await client.callTool({
      name: "resolve",
      arguments: { jwt: JWT, resource: "direct", context: { a: 1 } },
    });
    assert.match(JSON.stringify(direct), /KZ_TOK_def/);
    // Even from a broker that forgot it.
    const leaky = await client.callTool({ name: "resolve", arguments: { jwt: JWT, resource: "leaky" } });
    assert.equal(leaky.isError, true);
    assert.ok(!JSON.stringify([direct, leaky]).includes(CANARY));
    assert.ok(doors.broker.resolved.every(({ masksAlways }) => masksAlways));
    assert.deepEqual(doors.broker.resolved[1]?.context, { a: 1 });
  }
  await doors.shutdown(1000);
});

Deno.test("fetch hands the request on and gives status, headers and body [S-5.2]", async () => {
  using doors = await startDoors();
  {
    await using client = await connect(doors.url);
    const text = await client.callTool({
      name: "fetch",
      arguments: {
        jwt: JWT,
        resource: "github/pat",
        resolver: "gh",
        url: "https://api.github.com/",
        method: "post",
        headers: { accept: "a" },
        body: "é",
      },
    });
    assert.deepEqual(text.structuredContent, {
      status: 200,
      headers: { "content-type": "application/json" },
      body: '{"ok":true}',
      encoding: "text",
      notes: [],
    });
    const image = await client.callTool({
      name: "fetch",
      arguments: { jwt: JWT, resource: "image", url: "https://a.test/" },
    });
    assert.deepEqual(image.structuredContent, {
      status: 200,
      headers: { "content-type": "image/png" },
      body: "iVBORw==",
      encoding: "base64",
      media_type: "image/png",
      notes: ["The body was cut after 1 MiB"],
    });
    assert.deepEqual(doors.broker.fetched[0], {
      jwt: JWT,
      resource: "github/pat",
      resolver: "gh",
      url: "https://api.github.com/",
      method: "POST",
      headers: { accept: "a" },
      body: new TextEncoder().encode("é"),
      context: {},
    });
  }
  await doors.shutdown(1000);
});

const FETCH = { jwt: JWT, resource: "github/pat", url: "https://a.test/" };
const errors: [why: string, name: string, args: Record<string, unknown>, code: string, says: RegExp][] = [
  ["no JWT", "resolve", { resource: SENT }, "JWT_MISSING", /Pass your workload's JWT as the argument "jwt"/],
  [
    "a JWT that is not valid",
    "resolve",
    { jwt: SENT, resource: "github/pat" },
    "JWT_SIGNATURE_INVALID",
    /get a new one/,
  ],
  ["a denied resource", "resolve", { jwt: JWT, resource: SENT }, "POLICY_DENIED", /ask the operator/],
  ["a denied resource of fetch", "fetch", { ...FETCH, resource: SENT }, "POLICY_DENIED", /ask the operator/],
  ["no resource", "fetch", { jwt: JWT, url: "https://a.test/" }, "REQUEST_INVALID", /resource: a string is expected/],
  [
    "an argument that is not known",
    "fetch",
    { ...FETCH, [SENT]: 1 },
    "REQUEST_INVALID",
    /there are: jwt, resource, resolver, url/,
  ],
  [
    "a header that is not text",
    "fetch",
    { ...FETCH, headers: { [SENT]: 1 } },
    "REQUEST_INVALID",
    /headers\.\*: a string/,
  ],
  ["a header with a line end", "fetch", { ...FETCH, headers: { a: `${SENT}\r\n` } }, "REQUEST_INVALID", /headers\.\*/],
  ["a long JWT", "resolve", { jwt: SENT.repeat(3000), resource: "a" }, "REQUEST_INVALID", /jwt: is longer than 16384/],
  ["a fault of ours", "fetch", { ...FETCH, resource: "broken" }, "INTERNAL", /tell the operator/],
];
for (const [why, name, args, code, says] of errors) {
  Deno.test(`a tool says what to change for ${why}, and repeats nothing [S-5.2]`, async () => {
    using doors = await startDoors();
    {
      await using client = await connect(doors.url);
      const result = await client.callTool({ name, arguments: args });
      const text = JSON.stringify(result);
      assert.equal(result.isError, true);
      assert.equal(result.structuredContent, undefined);
      assert.ok(text.includes(`error[${code}]: `), text);
      assert.match(text.replaceAll('\\"', '"'), says);
      for (const hidden of [SENT, CANARY, JWT]) assert.ok(!text.includes(hidden), text);
    }
    await doors.shutdown(1000);
  });
}

Deno.test("every denial has advice of one or two sentences", () => {
  assert.deepEqual(Object.keys(ADVICE), [...DENIAL_CODES]);
  for (const advice of Object.values(ADVICE)) assert.match(advice, /^[A-Z][^\n]{20,200}\.$/);
});

Deno.test("a JWT of the server or of the request's Authorization spares the argument, which counts if it is passed [S-5.4]", async () => {
  using doors = await startDoors({ jwt: () => Promise.resolve("caller.file") });
  const ask = async (args: Record<string, unknown>, headers: Record<string, string> = {}) => {
    await using client = await connect(doors.url, headers);
    const tools = await list(client);
    assert.deepEqual(tools.map(({ inputSchema }) => inputSchema.required), [["resource"], ["resource", "url"]]);
    await client.callTool({ name: "resolve", arguments: { resource: "github/pat", ...args } });
    return doors.broker.resolved.at(-1)?.jwt;
  };
  assert.equal(await ask({}), "caller.file");
  assert.equal(await ask({}, { authorization: "Bearer caller.header" }), "caller.header");
  assert.equal(await ask({ jwt: "caller.argument" }, { authorization: "Bearer caller.header" }), "caller.argument");
  await doors.shutdown(1000);
});

Deno.test("the server's own JWT is not lent over a network [S-5.4]", async () => {
  using doors = await startDoors({ jwt: () => Promise.resolve("caller.file"), loopback: false });
  {
    await using client = await connect(doors.url);
    const result = await client.callTool({ name: "resolve", arguments: { resource: "github/pat" } });
    assert.match(JSON.stringify(result), /JWT_MISSING/);
  }
  assert.deepEqual(doors.broker.resolved, []);
  await doors.shutdown(1000);
});

const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
const messages: [why: string, init: RequestInit, status: number, says: RegExp][] = [
  ["a list without initialisation", { body: LIST }, 200, /"tools":/],
  ["ping", { body: '{"jsonrpc":"2.0","id":"a","method":"ping"}' }, 200, /"id":"a".*|"result":{}/],
  ["a notification", { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' }, 202, /^$/],
  ["a method that is not there", { body: `{"jsonrpc":"2.0","id":1,"method":"${SENT}"}` }, 200, /-32601/],
  [
    "a tool that is not there",
    { body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${SENT}"}}` },
    200,
    /-32602.*call resolve or fetch/,
  ],
  ["what is not JSON", { body: SENT }, 400, /-32700/],
  ["a member twice", { body: '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}' }, 400, /-32700/],
  ["what is no message", { body: `{"${SENT}":1}` }, 400, /-32700/],
  ["a batch", { body: `[${LIST},${LIST}]` }, 400, /-32600.*one message at a time/],
  ["another media type", { body: LIST, headers: { ...HEADERS, "content-type": "text/plain" } }, 415, /./],
  ["a client that does not take JSON", { body: LIST, headers: { ...HEADERS, accept: "text/html" } }, 406, /./],
  [
    "a protocol version that is not known",
    { body: LIST, headers: { ...HEADERS, "mcp-protocol-version": SENT } },
    400,
    /Mcp-Protocol-Version is none of: 2025-11-25/,
  ],
  [
    "an Authorization that is no token",
    { body: LIST, headers: { ...HEADERS, authorization: `Bearer ${SENT} x` } },
    401,
    /JWT_MALFORMED/,
  ],
  ["a large message", { body: `${LIST}${" ".repeat(1_600_000)}` }, 413, /BODY_TOO_LARGE/],
  [
    "GET, since there are no streams",
    { method: "GET", headers: { accept: "text/event-stream" } },
    405,
    /METHOD_NOT_ALLOWED/,
  ],
  ["DELETE, since there are no sessions", { method: "DELETE" }, 405, /METHOD_NOT_ALLOWED/],
  ["a page of elsewhere", { body: LIST, headers: { ...HEADERS, origin: "https://evil.test" } }, 403, /ORIGIN_REFUSED/],
  ["a page of this machine", { body: LIST, headers: { ...HEADERS, origin: "http://localhost:6274" } }, 200, /"tools":/],
];
for (const [why, init, status, says] of messages) {
  Deno.test(`/mcp answers ${status} to ${why}, and repeats nothing [S-5.2]`, async () => {
    using doors = await startDoors();
    const response = await fetch(`${doors.url}/mcp`, { method: "POST", headers: HEADERS, ...init });
    const text = await response.text();
    assert.equal(response.status, status, text);
    assert.match(text, says);
    assert.ok(!text.includes(SENT), text);
    assert.equal(response.headers.get("mcp-session-id"), null);
    await doors.shutdown(1000);
  });
}

Deno.test("/mcp is not there without --mcp", async () => {
  using doors = await startDoors({ mcp: false });
  const response = await fetch(`${doors.url}/mcp`, { method: "POST", headers: HEADERS, body: LIST });
  assert.equal(response.status, 404);
  await response.body?.cancel();
  await doors.shutdown(1000);
});

Deno.test("TM-38 /mcp lets a client go that has gone, and gives its turn back when the work has ended", async () => {
  using doors = await startDoors({ limits: { active: 1, waitMs: 2_000 } });
  const gate = Promise.withResolvers<void>();
  doors.broker.gate = gate.promise;
  const call = (signal?: AbortSignal) =>
    fetch(`${doors.url}/mcp`, {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "resolve", arguments: { jwt: JWT, resource: "github/pat" } },
      }),
      ...(signal === undefined ? {} : { signal }),
    });
  const client = new AbortController();
  const first = call(client.signal);
  while (doors.broker.resolved.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  client.abort();
  await assert.rejects(first);
  const second = call();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(doors.broker.resolved.length, 1);
  gate.resolve();
  assert.match(await (await second).text(), /KZ_TOK_abc/);
  await doors.shutdown(1000);
});
