import assert from "node:assert/strict";
import { type Host, parseHost } from "../policy/host.ts";
import { formatServerProxy, SERVER_PROXY_NAME } from "../policy/server/server_proxy.ts";
import { ServerTokens } from "./server_tokens.ts";
import { ConnectProxy } from "./testing/connect_proxy.ts";
import { CANARY, type LabOptions, okay, openLab } from "./testing/lab.ts";
import { RawUpstream } from "./testing/raw_upstream.ts";
import { CertificateAuthority } from "./tls/certificate_authority.ts";

const SEALED = "KZ_TOK_1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_canary";
const LITERAL = "KZ_TOK_1ZyXwVuTsRqPoNmLkJiHgFeDcBa9876543210-_other";
const PASS = "KZ_PRX_1AbCdEf0123456789-_";

interface TeamOptions extends LabOptions {
  /** What the server's proxy answers to CONNECT. */
  readonly answer?: (head: string) => string;
  /** Who signs what the server's proxy shows; default: the authority that the run trusts. */
  readonly impostor?: CertificateAuthority;
  /** Its authority's certificates hold the host alone. */
  readonly unnamed?: boolean;
  /** What the server answers inside. */
  readonly inside?: (request: string) => string;
}

/** A run's proxy whose secret is a token of a team server, before that server's proxy, which ends TLS itself. */
async function openTeam(options: TeamOptions = {}) {
  const stack = new AsyncDisposableStack();
  const authority = await serversAuthority(options.unnamed ? {} : { alsoNamed: SERVER_PROXY_NAME });
  const leaf = await (options.impostor ?? authority).issue(parseHost("api.test"));
  const inner = stack.use(new RawUpstream(leaf, options.inside ?? (() => okay("from the server"))));
  const proxy = stack.use(new ConnectProxy(inner.port, options.answer));
  const way = { url: `http://kz:${PASS}@localhost:${proxy.port}`, ca: authority.certificatePem };
  const lab = stack.use(
    await openLab({
      value: SEALED,
      more: { LOCAL_SECRET: `local-${CANARY}` },
      in: ["header", "query:key", "body:token"],
      serverProxy: formatServerProxy(way),
      ...options,
    }),
  );
  return { lab, inner, proxy, authority, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function serversAuthority(naming: { alsoNamed?: Host } = { alsoNamed: SERVER_PROXY_NAME }) {
  return CertificateAuthority.create({ now: new Date(), ...naming });
}

function get(fields: string, path = "/"): string {
  return `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n`;
}

Deno.test("ServerTokens lead a request with a server's token through its proxy, with the pass [S-6.4]", async () => {
  await using team = await openTeam();
  const { lab, inner, proxy } = team;
  using client = await lab.client();
  await client.send(get(`Authorization: Bearer ${lab.token}\r\n`));
  assert.equal((await client.response()).body, "from the server");
  assert.match(inner.requests[0]!, new RegExp(`^Authorization: Bearer ${SEALED}\r$`, "m"));
  assert.equal(lab.upstream.requests.length, 0);
  assert.equal(proxy.heads.length, 1);
  assert.match(proxy.heads[0]!, /^CONNECT api\.test:443 HTTP\/1\.1\r\nHost: api\.test:443\r\n/);
  assert.match(proxy.heads[0]!, new RegExp(`^Proxy-Authorization: Basic ${btoa(`kz:${PASS}`)}\r$`, "m"));
  // The pass is for the proxy alone.
  assert(!inner.received.includes("KZ_PRX_1") && !inner.received.includes(btoa(`kz:${PASS}`)));
});

Deno.test("ServerTokens leave every other request on its own way [S-6.4]", async () => {
  await using team = await openTeam();
  const { lab, inner, proxy } = team;
  using client = await lab.client();
  await client.send(get(""));
  assert.equal((await client.response()).body, "hello");
  await client.send(get(`X-Local: ${lab.moreTokens.get("LOCAL_SECRET")}\r\n`));
  assert.equal((await client.response()).body, "hello");
  assert.match(lab.upstream.requests[1]!, new RegExp(`local-${CANARY}`));
  assert.equal(proxy.heads.length, 0);
  assert.equal(inner.received, "");
});

Deno.test("ServerTokens decide for each request, and a kept connection serves its own way only [S-6.4]", async () => {
  await using team = await openTeam();
  const { lab, inner, proxy } = team;
  using client = await lab.client();
  const bodies: string[] = [];
  for (const fields of ["", "", `X-Key: ${lab.token}\r\n`, `X-Key: ${lab.token}\r\n`, "", `X-Key: ${lab.token}\r\n`]) {
    await client.send(get(fields));
    bodies.push((await client.response()).body);
  }
  const [direct, server] = ["hello", "from the server"];
  assert.deepEqual(bodies, [direct, direct, server, server, direct, server]);
  assert.equal(lab.upstream.connections, 2);
  assert.equal(inner.connections, 2);
  assert.equal(proxy.heads.length, 2);
  for (const request of lab.upstream.requests) assert(!request.includes("KZ_TOK_"));
});

const PLACES: readonly [why: string, request: (masked: string) => string, arrives: string][] = [
  ["in a header, of the agent's own", () => get(`Authorization: Bearer ${LITERAL}\r\n`), LITERAL],
  [
    "in Basic, of the agent's own",
    () => get(`Authorization: Basic ${btoa(`git:${LITERAL}`)}\r\n`),
    btoa(`git:${LITERAL}`),
  ],
  ["in a query, of the agent's own", () => get("", `/?key=${LITERAL}`), LITERAL],
  ["in Basic, swapped", (masked) => get(`Authorization: Basic ${btoa(`git:${masked}`)}\r\n`), btoa(`git:${SEALED}`)],
  ["in a query, swapped", (masked) => get("", `/?key=${masked}`), `key=${SEALED}`],
  ["in a body, swapped", (masked) => {
    const body = JSON.stringify({ token: masked });
    return `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }, `{"token":"${SEALED}"}`],
];
for (const [why, request, arrives] of PLACES) {
  Deno.test(`ServerTokens find a token ${why} [S-6.4]`, async () => {
    await using team = await openTeam();
    using client = await team.lab.client();
    await client.send(request(team.lab.token));
    assert.equal((await client.response()).body, "from the server");
    assert(team.inner.received.includes(arrives));
    assert.equal(team.lab.upstream.requests.length, 0);
  });
}

Deno.test("ServerTokens never go to their host itself: not in clear text, not with a secret of another's [S-6.4]", async () => {
  await using team = await openTeam();
  const { lab, inner, proxy } = team;
  using client = await lab.client();
  await client.send(get(`X-Key: ${lab.token}\r\nX-Local: ${lab.moreTokens.get("LOCAL_SECRET")}\r\n`));
  assert.match((await client.response()).body, /PROXY_SERVER_MIXED/);
  assert.equal(lab.refusals[0]?.facts.secret, "LOCAL_SECRET");
  assert.equal(inner.received + lab.upstream.received, "");
  assert.equal(proxy.heads.length, 0);
  await using clear = await openTeam({ clear: true, rules: [{ allow: true, host: "127.0.0.1" }] });
  using plain = await clear.lab.connect();
  const authority = `127.0.0.1:${clear.lab.upstream.port}`;
  await plain.send(
    `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${
      btoa(`kz:${clear.lab.login.password}`)
    }\r\nX-Key: ${clear.lab.token}\r\n\r\n`,
  );
  assert.match((await plain.response()).body, /PROXY_CLEAR_TEXT/);
  assert.equal(clear.lab.upstream.received, "");
});

const NO_PROXIES: readonly [why: string, options: () => Promise<TeamOptions>, detail: string][] = [
  [
    "of another authority, with the name of the server's",
    async () => ({ impostor: await serversAuthority() }),
    "its issuer is not trusted",
  ],
  // So are those of every public authority, which our runtime trusts as it trusts this one here.
  [
    "of an authority that is trusted, for the host and without the server's name",
    () => Promise.resolve({ unnamed: true }),
    "it is for another name",
  ],
];
for (const [why, options, detail] of NO_PROXIES) {
  Deno.test(`TM-09 ServerTokens go to no proxy whose certificate is ${why} [S-6.4]`, async () => {
    await using team = await openTeam(await options());
    using client = await team.lab.client();
    await client.send(get(`X-Key: ${team.lab.token}\r\n`));
    assert.match((await client.response()).body, /PROXY_SERVER_CERTIFICATE/);
    assert.equal(team.lab.refusals[0]?.facts.detail, detail);
    assert.equal(team.inner.received, "");
  });
}

const ANSWERS: readonly [why: string, answer: string, code: string, passRefused: number][] = [
  [
    "a pass that is not taken",
    "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "PROXY_SERVER_REFUSED",
    1,
  ],
  ["a host that is not allowed", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "PROXY_SERVER_REFUSED", 0],
  ["what is no HTTP", "220 smtp.test ESMTP\r\n\r\n", "PROXY_SERVER_UNREACHABLE", 0],
  ["nothing", "", "PROXY_SERVER_UNREACHABLE", 0],
  ["bytes before TLS", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "PROXY_SERVER_UNREACHABLE", 0],
];
for (const [why, answer, code, passRefused] of ANSWERS) {
  Deno.test(`ServerTokens are refused where the proxy answers ${why} [S-6.4]`, async () => {
    let told = 0;
    await using team = await openTeam({ answer: () => answer, onPassRefused: () => told++ });
    using client = await team.lab.client();
    await client.send(get(`X-Key: ${team.lab.token}\r\n`));
    const { body } = await client.response();
    assert.equal(JSON.parse(body).error.code, code);
    assert.equal(told, passRefused);
    assert.equal(team.lab.upstream.received, "");
    assert(!body.includes("KZ_"));
    // The client's connection goes on, and other requests their way.
    await client.send(get(""));
    assert.equal((await client.response()).body, "hello");
  });
}

Deno.test("ServerTokens that the server refuses are said to need a new value [S-6.4]", async () => {
  const told: string[] = [];
  await using team = await openTeam({
    inside: () => "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    onUnauthorized: (secrets) => told.push(...secrets),
  });
  using client = await team.lab.client();
  await client.send(get(`X-Key: ${team.lab.token}\r\n`));
  assert.equal((await client.response()).status, 403);
  assert.deepEqual(told, ["API_TOKEN"]);
});

Deno.test("ServerTokens are not shown to the program when the server's side echoes them [S-6.4]", async () => {
  await using team = await openTeam({ inside: (request) => okay(request) });
  using client = await team.lab.client();
  await client.send(get(`X-Key: ${team.lab.token}\r\n`));
  const { body } = await client.response();
  assert(body.includes(team.lab.token) && !body.includes("KZ_TOK_"));
});

Deno.test("ServerTokens carry large bodies both ways through the proxy [S-6.4]", async () => {
  const large = "0123456789abcdef".repeat(64 * 1024);
  await using team = await openTeam({ inside: () => okay(large) });
  using client = await team.lab.client();
  const head =
    `POST / HTTP/1.1\r\nHost: api.test\r\nX-Key: ${team.lab.token}\r\nContent-Length: ${large.length}\r\n\r\n`;
  await client.send(head + large);
  const response = await client.response();
  assert.equal(response.body.length, large.length);
  assert.equal(response.body, large);
  assert(team.inner.requests[0]!.endsWith(large));
});

const WAYS: readonly [why: string, text: string][] = [
  ["no URL", JSON.stringify({ url: "", ca: "x" })],
  ["https", JSON.stringify({ url: `https://kz:${PASS}@kz.internal:3128`, ca: "x" })],
  ["no pass", JSON.stringify({ url: "http://kz.internal:3128", ca: "x" })],
  ["a path", JSON.stringify({ url: `http://kz:${PASS}@kz.internal:3128/a`, ca: "x" })],
  ["a pass that needs escapes", JSON.stringify({ url: "http://kz:a%0d%0ab@kz.internal:3128", ca: "x" })],
  ["no authority", JSON.stringify({ url: `http://kz:${PASS}@kz.internal:3128` })],
  ["no JSON", "KZ_PRX_1"],
];
for (const [why, text] of WAYS) {
  Deno.test(`ServerTokens take no way with ${why}, and do not echo it`, () => {
    const options = { onPassRefused: () => {}, isSealed: () => true };
    assert.throws(() => new ServerTokens(text, options), (error) => {
      assert(error instanceof Error && !error.message.includes("KZ_PRX_1") && !error.message.includes("kz.internal"));
      return true;
    });
  });
}

Deno.test("ServerTokens take a way that was not known at first [S-6.4]", async () => {
  await using team = await openTeam();
  const way = { url: `http://kz:KZ_PRX_1new@127.0.0.1:${team.proxy.port}`, ca: team.authority.certificatePem };
  const tokens = new ServerTokens(formatServerProxy(undefined), { onPassRefused: () => {}, isSealed: () => true });
  assert.equal(tokens.proxyAddress, undefined);
  tokens.renew(formatServerProxy(way));
  assert.equal(tokens.proxyAddress, `127.0.0.1:${team.proxy.port}`);
});
