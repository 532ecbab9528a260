/** The HTTP API of a running server: what it answers, over TLS too, under load, and when it ends. */
import assert from "node:assert/strict";
import { parseHost } from "../policy/host.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { findForm } from "./support/forms.ts";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { makeCanary, makeProject } from "./support/project.ts";
import { startTeamServer, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream, type TlsUpstream } from "./support/tls_upstream.ts";

const ISSUES = "https://api.github.com/repos/myorg/myrepo/issues";

interface Team extends AsyncDisposable {
  readonly canary: string;
  readonly issuer: TestIssuer;
  readonly upstream: TlsUpstream;
  readonly server: TeamServer;
  /** Asks the server; the body is JSON. */
  post(path: string, jwt: string | undefined, body: unknown): Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json(): Record<string, unknown> & { results: Record<string, Record<string, unknown>> };
}

async function startTeam(
  args: readonly string[] = [],
  options: {
    respond?: (request: Request) => Response;
    more?: string;
    files?: Record<string, string>;
    client?: Deno.HttpClient;
  } = {},
): Promise<Team> {
  const { respond, more, files, client } = options;
  const scope = new AsyncDisposableStack();
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  const upstream = scope.use(
    await startTlsUpstream({ host: "api.github.com", ...(respond === undefined ? {} : { respond }) }),
  );
  const server = scope.use(
    await startTeamServer({
      bundle: githubBundle(issuer, upstream, more),
      files: { ...githubFiles(canary, upstream), ...files },
      args: ["--listen", "127.0.0.1:0", ...args],
    }),
  );
  const url = await server.url();
  return {
    canary,
    issuer,
    upstream,
    server,
    async post(path, jwt, body) {
      const response = await fetch(url + path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }),
        },
        body: JSON.stringify(body),
        ...(client === undefined ? {} : { client }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

Deno.test("a running server answers every route of its API, and shows neither value nor JWT [S-4.1]", async () => {
  await using team = await startTeam(["--proxy", "127.0.0.1:0"], { more: 'revokers: service == "agent"\n' });
  const { issuer, server, canary, post, upstream } = team;
  const url = await server.url();
  const jwt = await issuer.sign();
  let seen = "";
  const get = async (path: string) => {
    const response = await fetch(url + path);
    const text = await response.text();
    seen += text;
    return { status: response.status, text };
  };
  const resolved = await post("/v1/resolve", jwt, { refs: ["github/pat", "aws/key"], context: { ticket: "1" } });
  seen += resolved.text;
  const { "github/pat": pat, "aws/key": key } = resolved.json().results;
  assert.equal(pat?.["policy"], "agent-reads-github");
  assert.match(String(pat?.["token"]), /^KZ_TOK_1/);
  assert.match(String(pat?.["proxy"]), /^http:\/\/[^@]+@127\.0\.0\.1:\d+\/?$/);
  assert.ok(Date.parse(String(pat?.["expires_at"])) > Date.now());
  assert.deepEqual(key, {
    allowed: false,
    policy: "default-deny",
    error: { code: "POLICY_DENIED", detail: "No policy allows this" },
  });
  const fetched = await post("/v1/fetch", jwt, { resource: "github/pat", url: ISSUES, method: "post", body: "{}" });
  seen += fetched.text;
  assert.equal(fetched.json()["status"], 200);
  assert.match(String(fetched.json()["body"]), /myorg/);
  const binary = await post("/v1/fetch", jwt, {
    resource: "github/pat",
    url: ISSUES,
    method: "PUT",
    body_base64: "eA==",
  });
  assert.equal(binary.json()["status"], 200);
  assert.deepEqual(upstream.seen.map(({ body, headers }) => [body, headers["authorization"]]), [
    ["{}", `Bearer ${canary}`],
    ["x", `Bearer ${canary}`],
  ]);
  const revoked = await post("/v1/revoke", jwt, { id: pat?.["token_id"] });
  assert.deepEqual([revoked.status, revoked.text], [204, ""]);
  assert.match((await get("/v1/ca.pem")).text, /^-----BEGIN CERTIFICATE-----/);
  assert.equal((await get("/healthz")).text, "ok\n");
  assert.equal(JSON.parse((await get("/openapi.json")).text).openapi, "3.1.1");
  const metrics = await get("/metrics");
  assert.match(
    metrics.text,
    /^keyzero_decisions_total\{door="http",operation="fetch",outcome="allowed",code="none"\} 2$/m,
  );
  assert.match(metrics.text, /^keyzero_memory_resident_bytes [1-9]\d+$/m);
  for (const hidden of [canary, jwt, jwt.split(".")[2]!]) {
    assert.equal(findForm(seen + server.stderr, hidden), undefined);
  }
  assert.ok(!metrics.text.includes("github/pat") && !metrics.text.includes("agent-1"));
});

const problems: [
  why: string,
  path: string,
  jwt: "good" | "none" | "expired",
  body: unknown,
  status: number,
  code: string,
][] = [
  ["no JWT", "/v1/resolve", "none", { ref: "github/pat" }, 401, "JWT_MISSING"],
  ["an expired JWT", "/v1/resolve", "expired", { ref: "github/pat" }, 401, "JWT_EXPIRED"],
  ["a form that is not known", "/v1/resolve", "good", { reff: "github/pat" }, 400, "REQUEST_INVALID"],
  ["a ref that climbs", "/v1/fetch", "good", { resource: "../github/pat", url: ISSUES }, 400, "REF_INVALID"],
  ["another host", "/v1/fetch", "good", { resource: "github/pat", url: "https://evil.example/" }, 403, "TARGET_DENIED"],
  ["clear text", "/v1/fetch", "good", { resource: "github/pat", url: "http://api.github.com/" }, 400, "URL_INVALID"],
  ["tokens of others", "/v1/revoke", "good", { issuer: "internal", subject: "other" }, 403, "POLICY_DENIED"],
];
Deno.test("a running server answers with problems that repeat nothing [S-4.3]", async () => {
  await using team = await startTeam();
  const { issuer, post, canary } = team;
  const tokens = { good: await issuer.sign(), none: undefined, expired: await issuer.sign({ exp: 1_000_000_000 }) };
  for (const [why, path, jwt, body, status, code] of problems) {
    const answer = await post(path, tokens[jwt], body);
    assert.deepEqual([answer.status, answer.json()["code"]], [status, code], why);
    assert.equal(answer.headers.get("content-type"), "application/problem+json", why);
    if (status === 401) assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer( error="invalid_token")?$/);
    for (const hidden of [canary, "evil", "reff", "climb", tokens.good, tokens.expired]) {
      assert.ok(!answer.text.includes(hidden), `${why}: ${answer.text}`);
    }
  }
});

Deno.test("with --tls-cert and --tls-key the API is reached over TLS, and not without [S-4.4]", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost("127.0.0.1"));
  using client = Deno.createHttpClient({ caCerts: [authority.certificatePem] });
  await using team = await startTeam(["--tls-cert", "cert.pem", "--tls-key", "key.pem"], {
    client,
    files: { "cert.pem": certPem, "key.pem": keyPem },
  });
  const { issuer, server, post } = team;
  assert.match(await server.url(), /^https:/);
  const answer = await post("/v1/resolve", await issuer.sign(), { ref: "github/pat" });
  assert.match(String(answer.json().results["github/pat"]?.["token"]), /^KZ_TOK_1/);
  const health = await fetch(`${await server.url()}/healthz`, { client });
  assert.equal(await health.text(), "ok\n");
  await assert.rejects(fetch(`${(await server.url()).replace("https:", "http:")}/healthz`));
});

const listens: [args: string[], status: number, code: string][] = [
  [["--listen", "0.0.0.0:0"], 3, "SERVER_LISTEN_INSECURE"],
  [["--listen", "[::]:0"], 3, "SERVER_LISTEN_INSECURE"],
  [["--listen", "127.0.0.1:0", "--tls-cert", "secrets.env", "--tls-key", "secrets.env"], 3, "SERVER_TLS_INVALID"],
  [["--listen", "127.0.0.1:0", "--tls-cert", "absent.pem", "--tls-key", "absent.pem"], 3, "SERVER_TLS_INVALID"],
  [["--listen", "127.0.0.1:0", "--tls-cert", "bundle.yaml"], 2, "USAGE_INVALID"],
];
for (const [args, status, code] of listens) {
  Deno.test(`kz server start ${args.join(" ")} is refused with ${code} [S-4.4]`, async () => {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    await using project = await makeProject({
      files: { ...githubFiles("value", upstream), "bundle.yaml": githubBundle(issuer, upstream) },
    });
    const result = await project.kz(["server", "start", "--bundle", "bundle.yaml", "--audit", "file:a.jsonl", ...args]);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, new RegExp(`^error\\[${code}\\]`, "m"));
  });
}

Deno.test({
  name: "a server that is told to end answers what has begun, and takes nothing new [S-4.5]",
  ignore: Deno.build.os === "windows",
  async fn() {
    const gate = Promise.withResolvers<void>();
    await using team = await startTeam([], { respond: () => new Response(slow(gate.promise)) });
    const { issuer, server, post, upstream } = team;
    const url = await server.url();
    const begun = post("/v1/fetch", await issuer.sign(), { resource: "github/pat", url: ISSUES });
    while (upstream.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const stopped = server.stop();
    // Until it listens no more.
    for (;;) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) }).catch(() =>
        undefined
      );
      if (conn === undefined) break;
      conn.close();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    gate.resolve();
    const answer = await begun;
    assert.deepEqual([answer.status, answer.json()["body"]], [200, "done"]);
    assert.equal(await stopped, 0);
  },
});

/** A body that comes when the test lets it. */
function slow(gate: Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await gate;
      controller.enqueue(new TextEncoder().encode("done"));
      controller.close();
    },
  });
}

Deno.test("TM-38 a flood of slow requests of one caller leaves room for another and for /healthz", async () => {
  const gate = Promise.withResolvers<void>();
  await using team = await startTeam([], { respond: () => new Response(slow(gate.promise)) });
  const { issuer, server, post, upstream } = team;
  const [greedy, other] = [await issuer.sign(), await issuer.sign({ sub: "agent-2" })];
  const flood = Array.from({ length: 400 }, () => post("/v1/fetch", greedy, { resource: "github/pat", url: ISSUES }));
  while (upstream.seen.length < 100) await new Promise((resolve) => setTimeout(resolve, 20));
  const started = performance.now();
  const health = await fetch(`${await server.url()}/healthz`);
  assert.equal(await health.text(), "ok\n");
  const answer = await post("/v1/resolve", other, { ref: "github/pat" });
  assert.equal(answer.json().results["github/pat"]?.["allowed"], true);
  assert.ok(performance.now() - started < 10_000, "others wait for the flood");
  gate.resolve();
  const statuses = (await Promise.all(flood)).map(({ status }) => status);
  const count = (status: number) => statuses.filter((one) => one === status).length;
  // Three quarters of what is worked on at one time; see SERVER_LIMITS.
  assert.ok(count(200) >= 100 && count(429) > 0, `${count(200)} answered, ${count(429)} refused`);
  assert.equal(count(200) + count(429), 400);
});

Deno.test("TM-38 a thousand silent clients, and heads and bodies that never end, leave room for others", async () => {
  await using team = await startTeam();
  const { issuer, server, post } = team;
  const { port } = new URL(await server.url());
  const silent: Deno.Conn[] = [];
  const encode = (text: string) => new TextEncoder().encode(text);
  for (let i = 0; i < 1000; i++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    silent.push(conn);
    if (i % 3 === 1) await conn.write(encode("GET /healthz HTTP/1.1\r\nHost: a\r\nX: "));
    if (i % 3 === 2) {
      await conn.write(encode(
        `POST /v1/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n{`,
      ));
    }
  }
  const health = await fetch(`${await server.url()}/healthz`);
  assert.equal(await health.text(), "ok\n");
  const answer = await post("/v1/resolve", await issuer.sign(), { ref: "github/pat" });
  assert.equal(answer.json().results["github/pat"]?.["allowed"], true);
  // Each is closed by itself in some seconds: the last one by its limit, too.
  const ended = await Promise.all(
    [0, 1, 2].map(async (i) => await silent[i]!.readable.pipeTo(new WritableStream()).then(() => "ended")),
  );
  assert.deepEqual(ended, ["ended", "ended", "ended"]);
  for (const conn of silent.slice(3)) conn.close();
});
