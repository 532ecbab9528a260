/** Where a server does not listen, and how it ends. */
import assert from "node:assert/strict";
import { parseHost } from "../policy/host.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { McpClient } from "./support/mcp_client.ts";
import { makeCanary, makeProject } from "./support/project.ts";
import { startTeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

async function setUp() {
  const issuer = await TestIssuer.create();
  const upstream = await startTlsUpstream({ host: "api.github.com" });
  const files = githubFiles(makeCanary(), upstream);
  return { issuer, upstream, files, bundle: githubBundle(issuer, upstream) };
}

Deno.test("kz server start refuses the key of another certificate, and tells of a JWT that is not there [S-4.4]", async () => {
  const { upstream, files, bundle } = await setUp();
  await using _upstream = upstream;
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem } = await authority.issue(parseHost("localhost"));
  const other = await CertificateAuthority.create({ now: new Date() });
  const { keyPem } = await other.issue(parseHost("localhost"));
  await using project = await makeProject({
    files: { ...files, "bundle.yaml": bundle, "cert.pem": certPem, "key.pem": keyPem },
  });
  const tls = ["--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
  const args = ["--audit", "file:audit.jsonl", "--mcp", "--jwt-file", "absent.jwt", ...tls];
  const { status, stderr } = await project.kz(["server", "start", "--bundle", "bundle.yaml", ...args]);
  assert.equal(status, 3, stderr);
  assert.match(stderr, /^warning: the file of --jwt-file cannot be read now: there is no such file$/m);
  assert.match(stderr, /error\[SERVER_TLS_INVALID\]/);
});

const REFUSED: [why: string, args: string[], status: number, message: RegExp][] = [
  [
    "a plain proxy for other machines",
    ["--proxy", ":0", "--proxy-url", "http://p:1"],
    3,
    /SERVER_LISTEN_INSECURE.*--proxy/,
  ],
  ["a key as a certificate", ["--tls-cert", "bundle.yaml", "--tls-key", "bundle.yaml"], 3, /SERVER_TLS_INVALID/],
  ["an address that is none", ["--listen", "example.com:80"], 2, /Cannot read --listen/],
  ["an audit on the output that speaks MCP", ["--mcp", "--audit", "stdout"], 2, /standard output speaks MCP/],
  ["a proxy URL that is none", ["--proxy", "127.0.0.1:0", "--proxy-url", "https://x/y"], 2, /--proxy-url/],
];
for (const [why, args, status, message] of REFUSED) {
  Deno.test(`kz server start refuses ${why} [S-4.4]`, async () => {
    const { upstream, files, bundle } = await setUp();
    await using _upstream = upstream;
    await using project = await makeProject({ files: { ...files, "bundle.yaml": bundle } });
    const audit = args.includes("--audit") ? [] : ["--audit", "file:audit.jsonl"];
    const result = await project.kz(["server", "start", "--bundle", "bundle.yaml", ...audit, ...args]);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.equal(result.stdout, "");
  });
}

Deno.test("with --insecure-http a server listens for other machines [S-4.4]", async () => {
  const { upstream, files, bundle } = await setUp();
  await using _upstream = upstream;
  await using server = await startTeamServer({ bundle, files, args: ["--listen", ":0", "--insecure-http"] });
  const { port } = new URL(await server.url());
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text(), "ok\n");
});

Deno.test("a server on standard streams ends with its input, and one on HTTP when it is asked to [S-4.5]", async () => {
  const { upstream, files, bundle } = await setUp();
  await using _upstream = upstream;
  await using mcp = await startTeamServer({ bundle, files, args: ["--mcp"] });
  {
    await using agent = await McpClient.connect(mcp);
    assert.equal((await agent.client.listTools()).tools.length, 2);
  }
  assert.equal(await mcp.ended(), 0, mcp.stderr);
  await using http = await startTeamServer({ bundle, files, args: ["--listen", "127.0.0.1:0"] });
  await http.url();
  assert.equal(await http.stop(), 0, http.stderr);
  const details = (await http.audit()).map(({ detail }) => detail);
  assert.deepEqual([details.at(-2), details.at(-1)], ["started", "stopped"]);
});
