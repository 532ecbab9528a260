/** MCP of a running server, as its official suite, inspector and clients see it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findForm } from "./support/forms.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { kzCommand } from "./support/kz.ts";
import { McpClient } from "./support/mcp_client.ts";
import { npmTool } from "./support/npm_tool.ts";
import { makeCanary, makeProject } from "./support/project.ts";
import { startTeamServer, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream, type TlsUpstream } from "./support/tls_upstream.ts";

const BASELINE = fileURLToPath(new URL("testdata/mcp_conformance_baseline.yml", import.meta.url));
const ISSUES = "https://api.github.com/repos/myorg/myrepo/issues";

interface Team extends AsyncDisposable {
  readonly canary: string;
  readonly issuer: TestIssuer;
  readonly upstream: TlsUpstream;
  readonly server: TeamServer;
}

/** The server of the founding scenario. */
async function startTeam(
  args: readonly string[],
  options: {
    respond?: (request: Request) => Response;
    files?: (issuer: TestIssuer) => Promise<Record<string, string>>;
  } = {},
): Promise<Team> {
  const scope = new AsyncDisposableStack();
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  const { respond } = options;
  const upstream = scope.use(
    await startTlsUpstream({ host: "api.github.com", ...(respond === undefined ? {} : { respond }) }),
  );
  const server = scope.use(
    await startTeamServer({
      bundle: githubBundle(issuer, upstream),
      files: { ...githubFiles(canary, upstream), ...await options.files?.(issuer) },
      args,
    }),
  );
  return { canary, issuer, upstream, server, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

Deno.test("the official conformance suite passes for what a server with tools owes [S-5.2]", async () => {
  await using team = await startTeam(["--listen", "127.0.0.1:0", "--mcp"]);
  const url = `${await team.server.url()}/mcp`;
  const { status, output } = await npmTool("@modelcontextprotocol/conformance@0.1.16", [
    ...["server", "--url", url, "--suite", "all", "--expected-failures", BASELINE],
  ]);
  assert.equal(status, 0, output);
  // The suite calls what does not fail passed, also if it looked at nothing.
  for (
    const [scenario, checks] of [["server-initialize", 1], ["ping", 1], ["tools-list", 1], [
      "dns-rebinding-protection",
      2,
    ]]
  ) {
    assert.match(output, new RegExp(`✓ ${scenario}: ${checks} passed, 0 failed`));
  }
  assert.match(output, /Baseline check passed/);
});

Deno.test("the inspector lists and calls both tools over stdio [S-5.1]", async () => {
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  await using project = await makeProject({
    files: { ...githubFiles(canary, upstream), "bundle.yaml": githubBundle(issuer, upstream) },
  });
  const bundle = `${project.dir}/bundle.yaml`;
  const { file, args, env } = await kzCommand(
    ["server", "start", "--bundle", bundle, "--audit", `file:${project.dir}/audit.jsonl`, "--mcp"],
    project.home,
  );
  await project.write("servers.json", JSON.stringify({ mcpServers: { kz: { command: file, args, env } } }));
  const inspect = async (...more: string[]) => {
    const { status, stdout, output } = await npmTool("@modelcontextprotocol/inspector@2.12.0", [
      ...["--cli", "--config", `${project.dir}/servers.json`, "--server", "kz", ...more],
    ]);
    assert.equal(status, 0, output);
    assert.equal(findForm(output, canary), undefined);
    return JSON.parse(stdout);
  };
  const { tools } = await inspect("--method", "tools/list");
  assert.deepEqual(tools.map(({ name }: { name: string }) => name), ["resolve", "fetch"]);
  const jwt = await issuer.sign();
  const call = (name: string, ...toolArgs: string[]) =>
    inspect("--method", "tools/call", "--tool-name", name, "--tool-arg", `jwt=${jwt}`, ...toolArgs);
  const resolved = await call("resolve", "resource=github/pat");
  assert.match(resolved.structuredContent.token, /^KZ_TOK_/);
  const fetched = await call("fetch", "resource=github/pat", "resolver=gh", `url=${ISSUES}`, "method=GET");
  assert.equal(fetched.structuredContent.status, 200);
  assert.deepEqual(upstream.seen.map(({ headers }) => headers["authorization"]), [`Bearer ${canary}`]);
});

for (const [where, args] of [["stdio", ["--mcp"]], ["HTTP", ["--listen", "127.0.0.1:0", "--mcp"]]] as const) {
  Deno.test(`with --jwt-file an agent on ${where} needs no JWT, and the file may be renewed [S-5.4]`, async () => {
    await using team = await startTeam([...args, "--jwt-file", "identity.jwt"], {
      files: async (issuer) => ({ "identity.jwt": await issuer.sign({ exp: 1_000_000_000 }) }),
    });
    const { server, issuer, canary } = team;
    const http = where === "HTTP" ? `${await server.url()}/mcp` : undefined;
    await using agent = http === undefined ? await McpClient.connect(server) : undefined;
    const call = async (): Promise<string> => {
      const args = { resource: "github/pat", url: ISSUES };
      if (agent !== undefined) return (await agent.call("fetch", args)).text;
      return await rpc(http!, "tools/call", { name: "fetch", arguments: args });
    };
    const expired = await call();
    assert.match(expired, /error\[JWT_EXPIRED\]/);
    const jwt = await issuer.sign();
    await server.project.write("identity.jwt", `${jwt}\n`);
    const answered = await call();
    assert.match(answered, /"status":200/);
    for (const hidden of [canary, jwt]) assert.equal(findForm(expired + answered + server.stderr, hidden), undefined);
  });
}

async function rpc(url: string, method: string, params: unknown = {}): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return await response.text();
}

Deno.test("fetch cuts a body after 1 MiB and says so, and gives bytes as base64 [S-5.5]", async () => {
  await using team = await startTeam(["--mcp"], {
    respond: (request) =>
      request.url.endsWith("/large")
        ? new Response("x".repeat(3 * 2 ** 20), { headers: { "content-type": "text/plain" } })
        : new Response(Uint8Array.of(0, 255, 1), { headers: { "content-type": "image/png" } }),
  });
  await using agent = await McpClient.connect(team.server);
  const jwt = await team.issuer.sign();
  const call = async (path: string) =>
    JSON.parse((await agent.call("fetch", { jwt, resource: "github/pat", url: `https://api.github.com${path}` })).text)
      .structuredContent;
  const large = await call("/large");
  assert.equal(large.body.length, 2 ** 20);
  assert.equal(large.notes.length, 1);
  const image = await call("/image");
  assert.deepEqual([image.encoding, image.body, image.media_type], ["base64", "AP8B", "image/png"]);
});

const versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
Deno.test(`MCP speaks the protocol's versions ${versions.join(", ")}, and offers its newest to others [S-5.2]`, async () => {
  await using team = await startTeam(["--listen", "127.0.0.1:0", "--mcp"]);
  const url = `${await team.server.url()}/mcp`;
  const initialize = async (protocolVersion: string) => {
    const text = await rpc(url, "initialize", {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    });
    return JSON.parse(text).result.protocolVersion;
  };
  for (const version of versions) assert.equal(await initialize(version), version);
  assert.equal(await initialize("2099-01-01"), versions[0]);
});

Deno.test("errors of tools never repeat a credential or an argument [S-5.3]", async () => {
  await using team = await startTeam(["--mcp"]);
  const { issuer, server, canary, upstream } = team;
  const jwt = await issuer.sign();
  const sent = "sent-6f1d0e";
  let transcript = "";
  {
    await using agent = await McpClient.connect(server);
    const calls: [name: string, args: Record<string, unknown>, code: string][] = [
      ["resolve", { resource: "github/pat" }, "JWT_MISSING"],
      [
        "resolve",
        { jwt: `${jwt.slice(0, jwt.lastIndexOf("."))}.${"A".repeat(342)}`, resource: "github/pat" },
        "JWT_SIGNATURE_INVALID",
      ],
      ["resolve", { jwt: sent, resource: "github/pat" }, "JWT_MALFORMED"],
      ["resolve", { jwt: await issuer.sign({ aud: sent }), resource: "github/pat" }, "JWT_AUDIENCE_WRONG"],
      ["resolve", { jwt: await issuer.sign({ iss: sent }), resource: "github/pat" }, "JWT_ISSUER_UNKNOWN"],
      ["resolve", { jwt, resource: sent }, "POLICY_DENIED"],
      ["resolve", { jwt, resource: `../${sent}` }, "REF_INVALID"],
      ["fetch", { jwt, resource: "github/pat", url: `https://${sent}.example/` }, "TARGET_DENIED"],
      ["fetch", { jwt, resource: "github/pat", url: `http://api.github.com/${sent}` }, "URL_INVALID"],
      ["fetch", { jwt, resource: "github/pat", url: `https://u:${sent}@api.github.com/` }, "URL_INVALID"],
      ["fetch", { jwt, resource: "github/pat", url: ISSUES, resolver: sent }, "RESOLVER_MISMATCH"],
      ["fetch", { jwt, resource: "github/pat", url: ISSUES, headers: { authorization: sent } }, "HEADER_COLLIDES"],
      ["fetch", { jwt, resource: "github/pat", url: ISSUES, [sent]: sent }, "REQUEST_INVALID"],
    ];
    for (const [name, args, code] of calls) {
      const { text, isError } = await agent.call(name, args);
      assert.ok(isError && text.includes(`error[${code}]: `), `${code}: ${text}`);
    }
    transcript = agent.transcript + server.stderr;
  }
  for (const hidden of [sent, canary, jwt, jwt.split(".")[2]!]) assert.equal(findForm(transcript, hidden), undefined);
  assert.deepEqual(upstream.seen, []);
});

Deno.test("MCP on stdio answers what was asked before its input ended, and then ends [S-5.1]", async () => {
  await using team = await startTeam(["--mcp"]);
  const { server, issuer } = team;
  const jwt = await issuer.sign();
  const writer = server.stdin.getWriter();
  const asked = [1, 2, 3].map((id) =>
    JSON.stringify({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name: "fetch", arguments: { jwt, resource: "github/pat", url: ISSUES } },
    })
  );
  await writer.write(new TextEncoder().encode(`not JSON\n${asked.join("\n")}\n`));
  await writer.close();
  const lines = (await new Response(server.stdout).text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ id }) => id).sort(), [1, 2, 3, null]);
  assert.equal(await server.stop(), 0);
});
