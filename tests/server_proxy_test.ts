/** Tokens of a team server at its proxy, with a real client: where they work, and where they do not. */
import assert from "node:assert/strict";
import { findForm } from "./support/forms.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { hasProgram } from "./support/programs.ts";
import { makeCanary } from "./support/project.ts";
import { startTeamServer, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const CURL = { ignore: !hasProgram("curl") };

interface Resolved {
  readonly token: string;
  readonly proxy: string;
}

async function resolve(server: TeamServer, jwt: string): Promise<Resolved> {
  const response = await post(server, "/v1/resolve", jwt, { ref: "github/pat" });
  const { token, proxy } = (await response.json()).results["github/pat"];
  assert.match(token, /^KZ_TOK_1/);
  return { token, proxy };
}

async function post(server: TeamServer, path: string, jwt: string, body: unknown): Promise<Response> {
  return await fetch(`${await server.url()}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** What curl gets through a proxy: its status, and all that came. */
async function curl(
  server: TeamServer,
  proxy: string,
  args: readonly string[],
): Promise<{ code: string; all: string }> {
  const ca = `${server.project.dir}/proxy-ca.pem`;
  await Deno.writeTextFile(ca, await (await fetch(`${await server.url()}/v1/ca.pem`)).text());
  const { stdout, stderr } = await new Deno.Command("curl", {
    args: ["-sS", "-i", "--max-time", "20", "-x", proxy, "--cacert", ca, "-w", "\n%{http_code}", ...args],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "" },
  }).output();
  const all = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code: /\n(\d{3})(?:$|curl:)/.exec(all)?.[1] ?? "", all };
}

Deno.test({
  ...CURL,
  name: "curl uses a token through the server's proxy, and only where the resource allows it [S-6.2]",
  async fn() {
    const canary = makeCanary();
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    await using server = await startTeamServer({
      bundle: githubBundle(issuer, upstream),
      files: githubFiles(canary, upstream),
      args: ["--listen", "127.0.0.1:0", "--proxy", "127.0.0.1:0"],
    });
    const { token, proxy } = await resolve(server, await issuer.sign());
    const bearer = ["-H", `Authorization: Bearer ${token}`];
    const good = await curl(server, proxy, [...bearer, "https://api.github.com/user"]);
    assert.equal(good.code, "200", good.all);
    assert.equal(findForm(good.all, canary), undefined, "the echo came back");
    assert.equal(upstream.seen[0]?.headers["authorization"], `Bearer ${canary}`);
    const refused: [why: string, proxy: string, args: string[]][] = [
      ["another host", proxy, [...bearer, "https://example.com/"]],
      ["another header", proxy, ["-H", `X-Other: ${token}`, "https://api.github.com/user"]],
      ["a copy in the query", proxy, [...bearer, `https://api.github.com/user?a=${token}`]],
      ["no pass", proxy.replace(/kz:[^@]+@/, ""), [...bearer, "https://api.github.com/user"]],
    ];
    for (const [why, through, args] of refused) {
      const { code, all } = await curl(server, through, args);
      assert.notEqual(code, "200", `${why}: ${all}`);
      assert.equal(findForm(all, canary), undefined);
    }
    // Another caller's pass does not carry this token (TM-36).
    const other = await resolve(server, await issuer.sign({ sub: "agent-2" }));
    assert.equal((await curl(server, other.proxy, [...bearer, "https://api.github.com/user"])).code, "403");
    assert.equal(upstream.seen.length, 1);
    const audit = await server.audit();
    assert.ok(audit.some(({ event, outcome }) => event === "swap" && outcome === "allowed"));
    assert.ok(audit.some(({ event, code }) => event === "swap" && String(code).includes("SUBJECT")));
    assert.equal(JSON.stringify(audit).includes(token.slice(12)), false, "a token was written down");
  },
});

Deno.test({
  ...CURL,
  name: "TM-36 a revoked token is refused, by its id and with all of its subject [S-6.3]",
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    await using server = await startTeamServer({
      bundle: githubBundle(issuer, upstream, `revokers: '"platform" in groups'\n`).replace(
        "map: { service:",
        "map: { groups: claims.groups, service:",
      ),
      files: githubFiles(makeCanary(), upstream),
      args: ["--listen", "127.0.0.1:0", "--proxy", "127.0.0.1:0"],
    });
    const jwt = await issuer.sign();
    const operator = await issuer.sign({ sub: "operator", groups: ["platform"] });
    const use = async ({ token, proxy }: Resolved) =>
      (await curl(server, proxy, ["-H", `Authorization: Bearer ${token}`, "https://api.github.com/user"])).code;
    const [one, two] = [await resolve(server, jwt), await resolve(server, jwt)];
    assert.deepEqual([await use(one), await use(two)], ["200", "200"]);
    const ids = (await server.audit()).filter(({ event }) => event === "resolve").map(({ tokenId }) => tokenId);
    const refused = await post(server, "/v1/revoke", jwt, { id: ids[0] });
    assert.equal(refused.status, 403, await refused.text());
    await server.project.write("operator.jwt", operator);
    const url = await server.url();
    const revoked = await server.project.kz(
      ["server", "revoke", "--server", url, "--jwt-file", "operator.jwt", "--id", String(ids[0])],
    );
    assert.equal(revoked.status, 0, revoked.stderr);
    assert.deepEqual([await use(one), await use(two)], ["403", "200"]);
    // A caller's own need nobody's leave.
    const own = await post(server, "/v1/revoke", jwt, { issuer: "internal", subject: "agent-1" });
    assert.equal(own.status, 204, await own.text());
    assert.equal(await use(two), "403");
    const audit = await server.audit();
    const revocations = audit.filter(({ event, outcome }) => event === "revoke" && outcome === "allowed");
    assert.deepEqual(
      revocations.map(({ subject, tokenId, revokedSubject }) => [subject, tokenId, revokedSubject]),
      [["operator", ids[0], undefined], ["agent-1", undefined, "agent-1"]],
    );
    const codes = audit.filter(({ event }) => event === "swap").map(({ code }) => code);
    assert.equal(codes.filter((code) => String(code).includes("REVOKED")).length, 2);
  },
});

Deno.test({
  ...CURL,
  name: "two servers with one key honour each other's tokens; one with another key does not [S-6.1] [S-6.5]",
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    const start = (key: string) =>
      startTeamServer({
        bundle: githubBundle(issuer, upstream),
        files: githubFiles(makeCanary(), upstream),
        args: ["--listen", "127.0.0.1:0", "--proxy", "127.0.0.1:0"],
        env: { KEYZERO_SERVER_KEY: key },
      });
    await using one = await start("11".repeat(32));
    await using two = await start("11".repeat(32));
    await using stranger = await start("22".repeat(32));
    const { token, proxy } = await resolve(one, await issuer.sign());
    const at = async (server: TeamServer) => {
      const url = new URL(proxy);
      url.port = new URL(await server.proxyUrl()).port;
      return await curl(server, url.href, ["-H", `Authorization: Bearer ${token}`, "https://api.github.com/user"]);
    };
    assert.equal((await at(two)).code, "200");
    const refused = await at(stranger);
    assert.notEqual(refused.code, "200");
    assert.equal(upstream.seen.length, 1);
  },
});
