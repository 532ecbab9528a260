import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { workerPermissions } from "../../permissions.ts";
import { JWT } from "../testdata/test_broker.ts";

Deno.test("both doors run in a worker that may listen on one address, and nothing else [S-4.1]", async () => {
  const worker = new Worker(new URL("../testdata/doors_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: workerPermissions("server-front", { net: ["127.0.0.1"] }) },
  });
  try {
    const { url, states } = await new Promise<{ url: string; states: Record<string, string> }>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
    for (const [name, state] of Object.entries(states)) assert.notEqual(state, "granted", name);
    for (const path of ["/healthz", "/metrics", "/openapi.json"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200, path);
      await response.body?.cancel();
    }
    const resolved = await fetch(`${url}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${JWT}` },
      body: '{"ref":"github/pat"}',
    });
    assert.match(await resolved.text(), /KZ_TOK_abc/);
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
    const result = await client.callTool({ name: "resolve", arguments: { jwt: JWT, resource: "github/pat" } });
    assert.match(JSON.stringify(result), /KZ_TOK_abc/);
    await client.close();
  } finally {
    worker.terminate();
  }
});
