/** What a fetch does when its host sends it elsewhere. */
import assert from "node:assert/strict";
import { githubFiles } from "./support/github_bundle.ts";
import { makeCanary } from "./support/project.ts";
import { startTeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const ROWS: [why: string, location: string, status: number, paths: string[]][] = [
  ["goes along within the resource's paths", "/repos/new", 200, ["/repos/old", "/repos/new"]],
  ["is denied outside of the resource's paths", "/user", 403, ["/repos/old"]],
  ["is denied where a policy denies the path", "/repos/secret", 403, ["/repos/old"]],
  ["is given another host's location", "https://evil.example/repos/new", 200, ["/repos/old"]],
  ["is given another port's location", "https://api.github.com:8443/repos/new", 200, ["/repos/old"]],
  ["ends after five", "/repos/old", 200, Array.from({ length: 6 }, () => "/repos/old")],
];
for (const [why, location, status, paths] of ROWS) {
  Deno.test(`TM-11 a fetch that is redirected ${why}`, async () => {
    const value = makeCanary();
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({
      host: "api.github.com",
      respond: (request) =>
        new URL(request.url).pathname === "/repos/old"
          ? new Response(null, { status: 302, headers: { location } })
          : new Response("there"),
    });
    await using server = await startTeamServer({
      bundle: `version: "1"
${issuer.yaml}
policies:
  - { name: no-secrets, effect: deny, rule: 'request.path == "/repos/secret"' }
  - { name: agent, effect: allow, rule: service == "agent" }
resources:
  - { ref: github/pat, resolver: gh, secret: secrets.env#GITHUB_PAT, hosts: ["api.github.com", "evil.example"], paths: [/repos/*] }
backends:
  gh: { type: dotenv }
network:
  upstream_ca: upstream-ca.pem
  connect: { api.github.com: "127.0.0.1:${upstream.port}", evil.example: "127.0.0.1:${upstream.port}" }
`,
      files: githubFiles(value, upstream),
      args: ["--listen", "127.0.0.1:0"],
    });
    const response = await fetch(`${await server.url()}/v1/fetch`, {
      method: "POST",
      headers: { authorization: `Bearer ${await issuer.sign()}`, "content-type": "application/json" },
      body: JSON.stringify({ resource: "github/pat", url: "https://api.github.com/repos/old" }),
    });
    const answer = await response.json();
    assert.equal(response.status, status, JSON.stringify(answer));
    assert.deepEqual(upstream.seen.map(({ url }) => new URL(url).pathname), paths);
    if (status === 200 && paths.at(-1) === "/repos/old") {
      assert.deepEqual([answer.status, answer.headers.location, answer.notes.length], [302, location, 1]);
    }
    assert.equal(JSON.stringify(answer).includes(value), false);
  });
}
