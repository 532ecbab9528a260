/** `kz run` with secrets of a team server, whose HTTP interface and proxy are played on real sockets. */
import assert from "node:assert/strict";
import { ConnectProxy } from "../proxy/testing/connect_proxy.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { FakeKeyzero, type FakeKeyzeroOptions, problem } from "../providers/testing/fake_keyzero.ts";
import { findForm } from "./support/forms.ts";
import { hasProgram } from "./support/programs.ts";
import { makeCanary, makeProject, type Project } from "./support/project.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const JWT = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJqd3QifQ.c2lnbmF0dXJl";
const CURL = { ignore: !hasProgram("curl") };

interface TeamOptions {
  readonly toml?: string;
  readonly mode?: "masked" | "direct";
  readonly ttlMs?: number;
  readonly noProxy?: boolean;
  /** The proxy's certificate is for the host alone. */
  readonly unnamed?: boolean;
  /** What the server answers instead of a result. */
  readonly answer?: FakeKeyzeroOptions["resolve"];
}

/** A project whose TOKEN is `github/pat` of a server; behind the server's proxy, a host that echoes what it is sent. */
class Team implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  /** Every token that was given, oldest first. */
  readonly given: string[] = [];
  readonly passes: string[] = [];
  server!: FakeKeyzero;
  proxy!: ConnectProxy;
  project!: Project;
  /** Where a request would go that does not go through the server. */
  direct!: Awaited<ReturnType<typeof startTlsUpstream>>;
  behind!: Awaited<ReturnType<typeof startTlsUpstream>>;

  static async open(options: TeamOptions = {}): Promise<Team> {
    const team = new Team();
    const stack = team.#stack;
    team.direct = stack.use(await startTlsUpstream({ host: "api.test" }));
    team.behind = stack.use(
      await startTlsUpstream({
        host: "api.test",
        isServerProxy: !options.unnamed,
        respond: (request) => {
          const given = request.headers.get("authorization") ?? "";
          return new Response(`echo ${given}`, { status: given === `Bearer ${team.given.at(-1)}` ? 200 : 403 });
        },
      }),
    );
    team.proxy = stack.use(
      new ConnectProxy(team.behind.port, (head) => {
        const known = head.includes(`Basic ${btoa(`kz:${team.passes.at(-1)}`)}\r\n`);
        return known ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
      }),
    );
    team.server = stack.use(
      new FakeKeyzero({
        caPem: team.behind.caPem,
        resolve: options.answer ?? ((refs) => {
          const value = `KZ_TOK_1${makeCanary("").slice(1)}`;
          team.given.push(options.mode === "direct" ? makeCanary("direct") : value);
          team.passes.push(`KZ_PRX_1${makeCanary("").slice(1)}`);
          const common = {
            allowed: true,
            policy: "p",
            mode: options.mode ?? "masked",
            expires_at: new Date(Date.now() + (options.ttlMs ?? 600_000)).toISOString(),
          };
          const proxy = options.noProxy
            ? {}
            : { proxy: `http://kz:${team.passes.at(-1)}@127.0.0.1:${team.proxy.port}` };
          const result = options.mode === "direct"
            ? { ...common, value: team.given.at(-1) }
            : { ...common, token: team.given.at(-1), ...proxy };
          return Response.json({ results: Object.fromEntries(refs.map((ref) => [ref, result])) });
        }),
      }),
    );
    team.project = stack.use(
      await makeProject({
        toml: `[secrets]\nTOKEN = { provider = "keyzero", ref = "github/pat" }\n${options.toml ?? ""}\n${
          team.direct.toml(["api.test"])
        }`,
        files: { "upstream-ca.pem": team.direct.caPem, "jwt": JWT },
      }),
    );
    return team;
  }

  blind(script: string, args: readonly string[] = []) {
    return this.project.kz(
      ["run", "--blind", "--server", this.server.url, "--jwt-file", "jwt", ...args, "--", "sh", "-c", script],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const CALL = 'curl -s -w " %{http_code}\\n" -H "Authorization: Bearer $TOKEN" https://api.test/';

Deno.test({
  name: "kz run --blind --server gives a masked token, and the server's proxy swaps what ours makes of it [S-6.4]",
  ...CURL,
  async fn() {
    await using team = await Team.open();
    const result = await team.blind(`echo "$TOKEN"; env; ${CALL}`);
    assert.equal(result.status, 0, result.stderr);
    const [shown] = result.stdout.split("\n");
    assert.match(shown!, /^kz_masked_[0-9a-f]{32}$/);
    assert.match(result.stdout, new RegExp(`echo Bearer ${shown} 200`));
    assert.equal(team.direct.seen.length, 0);
    // Neither token, pass nor JWT is anywhere in what the program or the operator saw.
    for (const secret of [...team.given, ...team.passes, JWT]) {
      assert.equal(findForm(result.stdout + result.stderr, secret), undefined);
    }
    assert.deepEqual(team.server.seen.map(({ path }) => path), ["/v1/resolve", "/v1/ca.pem"]);
    assert.equal(team.server.seen[0]?.authorization, `Bearer ${JWT}`);
  },
});

Deno.test({
  name: "kz run --blind sends what carries no token of the server on its own way [S-6.4]",
  ...CURL,
  async fn() {
    await using team = await Team.open({ toml: 'LOCAL = { provider = "file", ref = "local.txt" }' });
    await team.project.write("local.txt", "local-value-1234");
    const result = await team.blind(`curl -s -H "X-Local: $LOCAL" https://api.test/ >/dev/null; ${CALL}`);
    assert.match(result.stdout, / 200$/m);
    assert.equal(team.direct.seen.length, 1);
    assert.equal(team.direct.seen[0]?.headers["x-local"], "local-value-1234");
    assert.equal(team.proxy.heads.length, 1);
  },
});

Deno.test({
  name: "kz run --blind renews tokens and pass at half of their life, while the program keeps its token [S-6.4]",
  ...CURL,
  async fn() {
    await using team = await Team.open({ ttlMs: 3_000 });
    const result = await team.blind(`${CALL}; sleep 2.5; ${CALL}`);
    assert.equal(result.stdout.match(/ 200$/mg)?.length, 2, result.stdout + result.stderr);
    assert(team.given.length >= 2);
  },
});

Deno.test({
  name: "kz run --blind asks for a new token when the server's side refuses one, and for a new pass [S-6.4]",
  ...CURL,
  async fn() {
    await using team = await Team.open();
    const retry =
      `for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; out=$(${CALL}); case $out in *200) break;; esac; done; echo "$out"`;
    const run = team.blind(`${CALL}; touch ready; while [ ! -e go ]; do sleep 0.05; done; ${retry}`);
    while (!await Deno.stat(`${team.project.dir}/ready`).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // As if both had been revoked.
    team.given.push("another");
    team.passes.push("another");
    await team.project.write("go", "");
    const result = await run;
    assert.equal(result.stdout.match(/ 200$/mg)?.length, 2, result.stdout + result.stderr);
  },
});

Deno.test({
  name: "TM-09 kz run --blind trusts the server's authority alone at its proxy, not the roots of the machine [S-6.4]",
  // What the executable trusts is fixed when it is made.
  ignore: !hasProgram("curl") || Deno.env.get("KZ_BINARY") !== undefined,
  async fn() {
    await using team = await Team.open({ unnamed: true });
    const other = await CertificateAuthority.create({ now: new Date() });
    await using server = new FakeKeyzero({
      caPem: other.certificatePem,
      resolve: (refs) =>
        Response.json({
          results: Object.fromEntries(refs.map((ref) => [ref, {
            allowed: true,
            policy: "p",
            mode: "masked",
            token: "KZ_TOK_1abcdefghijkl",
            expires_at: new Date(Date.now() + 600_000).toISOString(),
            proxy: `http://kz:${team.passes.at(-1)}@127.0.0.1:${team.proxy.port}`,
          }])),
        }),
    });
    team.passes.push("KZ_PRX_1pass");
    await team.project.write("root.pem", team.behind.caPem);
    const result = await team.project.kz(
      ["run", "--blind", "--server", server.url, "--jwt-file", "jwt", "--", "sh", "-c", CALL],
      { env: { DENO_CERT: `${team.project.dir}/root.pem` } },
    );
    assert.match(result.stdout, /PROXY_SERVER_CERTIFICATE/);
    assert.match(result.stderr, /certificate that is not of the server's authority/);
    assert.equal(team.behind.seen.length, 0);
  },
});

const REFUSED: readonly [why: string, options: TeamOptions, status: number, stderr: RegExp][] = [
  ["a server without a proxy", { noProxy: true }, 5, /the server has no proxy, which its tokens need\n/],
  [
    "a denial",
    {
      answer: (refs) =>
        Response.json({
          results: { [refs[0]!]: { allowed: false, policy: "no-prod", error: { code: "POLICY_DENIED" } } },
        }),
    },
    5,
    /^error\[PROVIDER_ACCESS_DENIED\]: Cannot read secret "github\/pat" of provider "keyzero": the server's policy "no-prod" denies it\n/,
  ],
  [
    "a JWT that has expired",
    { answer: () => problem(401, "JWT_EXPIRED") },
    5,
    /does not accept the JWT \(JWT_EXPIRED:/,
  ],
];
for (const [why, options, status, stderr] of REFUSED) {
  Deno.test(`kz run --blind --server does not start the program with ${why}, and says so once [S-6.4]`, async () => {
    await using team = await Team.open(options);
    const result = await team.blind("echo started");
    assert.equal(result.status, status);
    assert.match(result.stderr, stderr);
    assert.equal(result.stderr.match(/^error/mg)?.length, 1, result.stderr);
    assert.equal(result.stdout, "");
    assert(!result.stderr.includes(JWT));
  });
}

Deno.test("kz run gives values of direct resources, and refuses masked ones, which no proxy would swap [S-6.4]", async () => {
  await using direct = await Team.open({ mode: "direct" });
  const args = (
    team: Team,
  ) => ["run", "--server", team.server.url, "--jwt-file", "jwt", "--", "sh", "-c", 'echo "$TOKEN"'];
  const run = await direct.project.kz(args(direct));
  assert.equal(run.stdout.trim(), direct.given[0], run.stderr);
  await using masked = await Team.open();
  const refused = await masked.project.kz(args(masked));
  assert.equal(refused.status, 5);
  assert.equal(
    refused.stderr,
    "error[PROVIDER_VALUE_INVALID]: Cannot pass TOKEN: its server gives it in masked mode only\n\n" +
      "hint: Run with --blind, or let the resource have mode: direct in the server's bundle\n",
  );
});

Deno.test({
  name: "kz run --blind masks the value of a direct resource, which goes to its host itself [S-6.4]",
  ...CURL,
  async fn() {
    await using team = await Team.open({ mode: "direct" });
    const result = await team.blind(CALL);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(team.direct.seen[0]?.headers["authorization"], `Bearer ${team.given[0]}`);
    assert.equal(findForm(result.stdout, team.given[0]!), undefined);
    assert.equal(team.proxy.heads.length, 0);
  },
});

Deno.test("kz run --server refuses what is no server, without echoing it [S-6.4]", async () => {
  await using team = await Team.open();
  for (const url of ["http://canary.internal", "https://user:canary@kz.internal", "canary"]) {
    const result = await team.project.kz(["run", "--blind", "--server", url, "--", "true"]);
    assert.equal(result.status, 2);
    assert(!result.stderr.includes("canary"), result.stderr);
  }
});

Deno.test("kz run --blind takes secrets of one server only [S-6.4]", async () => {
  await using team = await Team.open({
    toml: 'OTHER = { provider = "keyzero", ref = "a", options = { url = "https://other.internal" } }',
  });
  const run = await team.project.kz(["run", "--blind", "--", "true"], { env: { KEYZERO_SERVER_URL: team.server.url } });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /may come from one server only/);
});
