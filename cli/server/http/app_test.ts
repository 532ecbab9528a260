/** The HTTP API over real connections, with a broker in memory behind it. */
// Longer than 300 lines: tables of what the API answers and refuses, route by route.
import assert from "node:assert/strict";
import { startDoors } from "../testdata/start_doors.ts";
import { CANARY, JWT } from "../testdata/test_broker.ts";
import { fetchAnswer, problemAnswer, resolveAnswer } from "./schemas.ts";

/** What a caller sends and must never be sent back. */
const SENT = "sent-6f1d0e";

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

async function call(url: string, { method = "POST", path, headers, body }: Call) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

const AUTHORIZED = { authorization: `Bearer ${JWT}` };

Deno.test("POST /v1/resolve answers one ref and a mixed batch, keyed by ref [S-4.1]", async () => {
  using doors = await startDoors();
  const one = await call(doors.url, { path: "/v1/resolve", headers: AUTHORIZED, body: '{"ref":"github/pat"}' });
  assert.equal(one.status, 200);
  assert.deepEqual(one.json(), {
    results: {
      "github/pat": {
        allowed: true,
        policy: "tests",
        mode: "masked",
        token: "KZ_TOK_abc",
        token_id: "id1",
        expires_at: "2030-01-02T03:04:05.000Z",
        proxy: "http://pass:word@127.0.0.1:8080",
      },
    },
  });
  const body = JSON.stringify({ refs: ["no-proxy", "direct", "x", "__proto__"], context: { ticket: 1 } });
  const batch = await call(doors.url, { path: "/v1/resolve", headers: AUTHORIZED, body });
  assert.equal(batch.status, 200);
  const denied = {
    allowed: false,
    policy: "default-deny",
    error: { code: "POLICY_DENIED", detail: "No policy allows this" },
  };
  assert.deepEqual(Object.entries(batch.json().results), [
    ["no-proxy", {
      allowed: true,
      policy: "tests",
      mode: "masked",
      token: "KZ_TOK_def",
      token_id: "id2",
      expires_at: "2030-01-02T03:04:05.000Z",
    }],
    ["direct", {
      allowed: true,
      policy: "tests",
      mode: "direct",
      value: CANARY,
      expires_at: "2030-01-02T03:04:05.000Z",
    }],
    ["x", denied],
    ["__proto__", denied],
  ]);
  for (const { json } of [one, batch]) resolveAnswer.parse(json());
  assert.deepEqual(doors.broker.resolved[1], {
    jwt: JWT,
    refs: ["no-proxy", "direct", "x", "__proto__"],
    context: { ticket: 1 },
    masksAlways: false,
  });
  await doors.shutdown(1000);
});

Deno.test("POST /v1/resolve answers 200 for a single ref that is denied [S-4.1]", async () => {
  using doors = await startDoors();
  const { status, json } = await call(doors.url, { path: "/v1/resolve", headers: AUTHORIZED, body: '{"ref":"x"}' });
  assert.equal(status, 200);
  assert.equal(json().results.x.allowed, false);
  await doors.shutdown(1000);
});

Deno.test("POST /v1/fetch hands the request on, and answers text or base64 [S-4.1]", async () => {
  using doors = await startDoors();
  const ask = (body: unknown) =>
    call(doors.url, { path: "/v1/fetch", headers: AUTHORIZED, body: JSON.stringify(body) });
  const text = await ask({
    resource: "github/pat",
    resolver: "gh",
    url: "https://api.github.com/",
    method: "patch",
    headers: { Accept: "text/plain" },
    body: "é",
    context: { a: [1] },
  });
  assert.deepEqual([text.status, text.json()], [200, {
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"ok":true}',
    notes: [],
  }]);
  const image = await ask({ resource: "image", url: "https://a.test/", body_base64: "AP+A" });
  assert.deepEqual([image.status, image.json()], [200, {
    status: 200,
    headers: { "content-type": "image/png" },
    body_base64: "iVBORw==",
    media_type: "image/png",
    notes: ["The body was cut after 1 MiB"],
  }]);
  for (const { json } of [text, image]) fetchAnswer.parse(json());
  assert.deepEqual(doors.broker.fetched, [{
    jwt: JWT,
    resource: "github/pat",
    resolver: "gh",
    url: "https://api.github.com/",
    method: "PATCH",
    headers: { Accept: "text/plain" },
    body: new TextEncoder().encode("é"),
    context: { a: [1] },
  }, {
    jwt: JWT,
    resource: "image",
    resolver: undefined,
    url: "https://a.test/",
    method: undefined,
    headers: {},
    body: Uint8Array.of(0, 255, 128),
    context: {},
  }]);
  await doors.shutdown(1000);
});

Deno.test("POST /v1/revoke takes an id or a subject [S-4.1]", async () => {
  using doors = await startDoors();
  const bodies = [
    { id: "abc" },
    { id: "abc", expires_at: "2030-01-02T03:04:05Z" },
    { issuer: "internal", subject: "agent" },
  ];
  for (const body of bodies) {
    const { status, text } = await call(doors.url, {
      path: "/v1/revoke",
      headers: AUTHORIZED,
      body: JSON.stringify(body),
    });
    assert.deepEqual([status, text], [204, ""]);
  }
  assert.deepEqual(doors.broker.revoked.map(({ target }) => target), [
    { kind: "id", id: "abc", expiresAt: undefined },
    { kind: "id", id: "abc", expiresAt: Date.UTC(2030, 0, 2, 3, 4, 5) },
    { kind: "subject", issuer: "internal", subject: "agent" },
  ]);
  await doors.shutdown(1000);
});

Deno.test("GET /v1/ca.pem gives the proxy's certificate, or says that there is no proxy [S-4.1]", async () => {
  using doors = await startDoors({ proxyCa: "-----BEGIN CERTIFICATE-----\n" });
  const found = await call(doors.url, { method: "GET", path: "/v1/ca.pem" });
  assert.deepEqual([found.status, found.text], [200, "-----BEGIN CERTIFICATE-----\n"]);
  using without = await startDoors();
  const absent = await call(without.url, { method: "GET", path: "/v1/ca.pem" });
  assert.deepEqual([absent.status, absent.json().code], [404, "PROXY_ABSENT"]);
  await doors.shutdown(1000);
  await without.shutdown(1000);
});

/** Each with the status and code that it is answered. */
const problems: [why: string, call: Call, status: number, code: string][] = [
  ["no JWT", { path: "/v1/resolve", body: '{"ref":"x"}' }, 401, "JWT_MISSING"],
  [
    "another scheme",
    { path: "/v1/resolve", headers: { authorization: `Basic ${SENT}` }, body: '{"ref":"x"}' },
    401,
    "JWT_MISSING",
  ],
  [
    "two tokens",
    { path: "/v1/resolve", headers: { authorization: `Bearer a ${SENT}` }, body: '{"ref":"x"}' },
    401,
    "JWT_MALFORMED",
  ],
  [
    "a JWT that is not valid",
    { path: "/v1/resolve", headers: { authorization: `Bearer ${SENT}` }, body: '{"ref":"x"}' },
    401,
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "no content type",
    { path: "/v1/resolve", headers: { "content-type": "" }, body: '{"ref":"x"}' },
    415,
    "MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "a form",
    { path: "/v1/resolve", headers: { "content-type": "text/plain" }, body: '{"ref":"x"}' },
    415,
    "MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "another charset",
    { path: "/v1/resolve", headers: { "content-type": "application/json; charset=utf-16" }, body: '{"ref":"x"}' },
    415,
    "MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "a coding",
    { path: "/v1/resolve", headers: { "content-encoding": "gzip" }, body: '{"ref":"x"}' },
    415,
    "MEDIA_TYPE_UNSUPPORTED",
  ],
  ["what is not JSON", { path: "/v1/resolve", body: SENT }, 400, "REQUEST_INVALID"],
  ["no body", { path: "/v1/resolve", headers: { "content-type": "application/json" } }, 400, "REQUEST_INVALID"],
  ["bytes that are not UTF-8", { path: "/v1/resolve", body: Uint8Array.of(0x7b, 0xff) }, 400, "REQUEST_INVALID"],
  ["a member twice", { path: "/v1/resolve", body: '{"ref":"a","ref":"b"}' }, 400, "REQUEST_INVALID"],
  ["an array", { path: "/v1/resolve", body: `["${SENT}"]` }, 400, "REQUEST_INVALID"],
  ["a member that is not known", { path: "/v1/resolve", body: `{"ref":"x","${SENT}":1}` }, 400, "REQUEST_INVALID"],
  ["ref and refs", { path: "/v1/resolve", body: '{"ref":"x","refs":["y"]}' }, 400, "REQUEST_INVALID"],
  ["neither ref nor refs", { path: "/v1/resolve", body: "{}" }, 400, "REQUEST_INVALID"],
  ["no refs", { path: "/v1/resolve", body: '{"refs":[]}' }, 400, "REQUEST_INVALID"],
  ["a ref twice", { path: "/v1/resolve", body: `{"refs":["${SENT}","${SENT}"]}` }, 400, "REQUEST_INVALID"],
  ["an empty ref", { path: "/v1/resolve", body: '{"ref":""}' }, 400, "REQUEST_INVALID"],
  [
    "more than 100 refs",
    { path: "/v1/resolve", body: JSON.stringify({ refs: [...Array(101).keys()].map(String) }) },
    400,
    "REQUEST_INVALID",
  ],
  ["a ref of a wrong type", { path: "/v1/resolve", body: `{"ref":["${SENT}"]}` }, 400, "REQUEST_INVALID"],
  ["context of a wrong type", { path: "/v1/resolve", body: `{"ref":"x","context":"${SENT}"}` }, 400, "REQUEST_INVALID"],
  [
    "deep context",
    { path: "/v1/resolve", body: `{"ref":"x","context":{"a":${"[".repeat(40)}${"]".repeat(40)}}}` },
    400,
    "REQUEST_INVALID",
  ],
  ["a large body", { path: "/v1/resolve", body: `{"ref":"${"x".repeat(70_000)}"}` }, 413, "BODY_TOO_LARGE"],
  [
    "two bodies for the host",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","body":"a","body_base64":"YQ=="}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "base64 that is none",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","body_base64":"${SENT}"}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "a header name with a line end",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","headers":{"${SENT}\\r\\n":"b"}}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "a header value with a line end",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","headers":{"a":"${SENT}\\r\\nb: c"}}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "a header twice",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","headers":{"accept":"a","Accept":"${SENT}"}}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "a method that is none",
    { path: "/v1/fetch", body: `{"resource":"x","url":"https://a/","method":"${SENT} /"}` },
    400,
    "REQUEST_INVALID",
  ],
  [
    "a denied resource",
    { path: "/v1/fetch", headers: AUTHORIZED, body: `{"resource":"${SENT}","url":"https://a/"}` },
    403,
    "POLICY_DENIED",
  ],
  [
    "a fault of ours",
    { path: "/v1/fetch", headers: AUTHORIZED, body: `{"resource":"broken","url":"https://${SENT}/"}` },
    500,
    "INTERNAL",
  ],
  [
    "a fault of ours in resolve",
    {
      path: "/v1/resolve",
      headers: AUTHORIZED,
      body: '{"ref":"broken"}',
    },
    500,
    "INTERNAL",
  ],
  ["revoking nothing", { path: "/v1/revoke", body: "{}" }, 400, "REQUEST_INVALID"],
  [
    "revoking an id and a subject",
    {
      path: "/v1/revoke",
      body: '{"id":"a","issuer":"b","subject":"c"}',
    },
    400,
    "REQUEST_INVALID",
  ],
  ["a subject without issuer", { path: "/v1/revoke", body: '{"subject":"c"}' }, 400, "REQUEST_INVALID"],
  [
    "a time that is none",
    {
      path: "/v1/revoke",
      body: `{"id":"a","expires_at":"${SENT}"}`,
    },
    400,
    "REQUEST_INVALID",
  ],
  ["a path that is not there", { method: "GET", path: `/${SENT}` }, 404, "ROUTE_UNKNOWN"],
  ["a path in escapes", { method: "GET", path: "/%68ealthz" }, 404, "ROUTE_UNKNOWN"],
  ["a path with a slash more", { method: "GET", path: "/healthz/" }, 404, "ROUTE_UNKNOWN"],
  ["GET where POST is", { method: "GET", path: "/v1/resolve" }, 405, "METHOD_NOT_ALLOWED"],
  ["POST where GET is", { path: "/healthz", body: "{}" }, 405, "METHOD_NOT_ALLOWED"],
  ["PUT", { method: "PUT", path: "/v1/fetch", body: "{}" }, 405, "METHOD_NOT_ALLOWED"],
  [
    "a page's request",
    {
      path: "/v1/resolve",
      headers: { ...AUTHORIZED, origin: `https://${SENT}.test` },
      body: '{"ref":"x"}',
    },
    403,
    "ORIGIN_REFUSED",
  ],
];
for (const [why, request, status, code] of problems) {
  Deno.test(`createApp() answers ${status} ${code} to ${why}, and repeats nothing [S-4.3]`, async () => {
    using doors = await startDoors();
    const answer = await call(doors.url, request);
    const problem = problemAnswer.parse(answer.json());
    assert.deepEqual([answer.status, problem.status, problem.code], [status, status, code]);
    assert.equal(problem.type, `urn:keyzero:problem:${code.toLowerCase().replaceAll("_", "-")}`);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    const all = answer.text + JSON.stringify([...answer.headers]) + doors.metrics.text();
    for (const hidden of [SENT, CANARY, JWT]) assert.ok(!all.includes(hidden), answer.text);
    if (status === 401) {
      const challenge = code === "JWT_MISSING" ? "Bearer" : 'Bearer error="invalid_token"';
      assert.equal(answer.headers.get("www-authenticate"), challenge);
    }
    if (status === 405) assert.match(answer.headers.get("allow") ?? "", /^(GET, HEAD|POST), OPTIONS$/);
    await doors.shutdown(1000);
  });
}

const details: [body: string, detail: string][] = [
  [`{"ref":"x","${SENT}":1}`, "the request has a member that is not known; there are: ref, refs, context"],
  [`{"refs":["a",5]}`, "refs.1: a string is expected"],
  ["{}", 'the request: takes either "ref" or "refs"'],
  [`{"ref":"${"x".repeat(300)}"}`, "ref: is longer than 256"],
];
for (const [body, detail] of details) {
  Deno.test(`a problem says where it is: ${detail} [S-4.3]`, async () => {
    using doors = await startDoors();
    const { json } = await call(doors.url, { path: "/v1/resolve", headers: AUTHORIZED, body });
    assert.equal(json().detail, detail);
    await doors.shutdown(1000);
  });
}

Deno.test("GET /healthz says that the server serves, and nothing else [S-4.1]", async () => {
  using doors = await startDoors();
  const { status, text, headers } = await call(doors.url, { method: "GET", path: "/healthz" });
  assert.deepEqual([status, text, headers.get("cache-control")], [200, "ok\n", "no-store"]);
  await doors.shutdown(1000);
});

Deno.test("HEAD and OPTIONS answer without a body, and without CORS", async () => {
  using doors = await startDoors();
  const head = await call(doors.url, { method: "HEAD", path: "/healthz" });
  assert.deepEqual([head.status, head.text, head.headers.get("content-length")], [200, "", null]);
  const options = await call(doors.url, {
    method: "OPTIONS",
    path: "/v1/resolve",
    headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
  });
  assert.deepEqual([options.status, options.headers.get("allow")], [204, "POST, OPTIONS"]);
  assert.ok(![...options.headers.keys()].some((name) => name.startsWith("access-control")));
  await doors.shutdown(1000);
});

/** By raw `Host`, which `fetch` does not let one set. */
async function statusOf(port: number, head: string): Promise<number> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(`${head}\r\nConnection: close\r\n\r\n`));
  const text = await new Response(conn.readable).text();
  return Number(text.split(" ")[1]);
}

const hosts: [host: string, loopback: boolean, allowed: string[], status: number][] = [
  ["localhost", true, [], 200],
  ["127.0.0.1:1234", true, [], 200],
  ["[::1]:80", true, [], 200],
  ["LOCALHOST", true, [], 200],
  ["evil.test", true, [], 421],
  ["localhost.evil.test", true, [], 421],
  ["kz.internal", true, ["kz.internal"], 200],
  ["anything.test", false, [], 200],
  ["kz.internal", false, ["kz.internal"], 200],
  ["evil.test", false, ["kz.internal"], 421],
  ["localhost", false, ["kz.internal"], 421],
];
for (const [host, loopback, allowedHosts, status] of hosts) {
  const where = `${loopback ? "on loopback" : "elsewhere"}, allowed: ${allowedHosts.join(" ") || "none"}`;
  Deno.test(`createApp() answers ${status} to Host: ${host} (${where}) [S-5.2]`, async () => {
    using doors = await startDoors({ loopback, allowedHosts });
    assert.equal(await statusOf(doors.port, `GET /openapi.json HTTP/1.1\r\nHost: ${host}`), status);
    // Probes name a server as they like.
    assert.equal(await statusOf(doors.port, `GET /healthz HTTP/1.1\r\nHost: ${host}`), 200);
    await doors.shutdown(1000);
  });
}

Deno.test("GET /metrics counts requests and decisions, with labels of closed sets only [S-4.1]", async () => {
  using doors = await startDoors();
  const ask = (body: string) => call(doors.url, { path: "/v1/resolve", headers: AUTHORIZED, body });
  await ask('{"refs":["github/pat","x"]}');
  for (let i = 0; i < 30; i++) {
    await call(doors.url, { method: "GET", path: `/${SENT}/${i}` });
    await call(doors.url, { method: `M${i}`, path: "/healthz" });
    await ask(`{"ref":"${SENT}/${i}"}`);
  }
  const { text, headers } = await call(doors.url, { method: "GET", path: "/metrics" });
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(text, /^keyzero_http_requests_total\{route="other",method="GET",status="404"\} 30$/m);
  assert.match(text, /^keyzero_http_requests_total\{route="\/healthz",method="other",status="405"\} 30$/m);
  assert.match(
    text,
    /^keyzero_decisions_total\{door="http",operation="resolve",outcome="denied",code="POLICY_DENIED"\} 31$/m,
  );
  assert.match(
    text,
    /^keyzero_decisions_total\{door="http",operation="resolve",outcome="allowed",code="none"\} 1$/m,
  );
  assert.match(text, /^keyzero_http_request_seconds_bucket\{route="\/v1\/resolve",le="\+Inf"\} 31$/m);
  assert.match(text, /^keyzero_http_request_seconds_count\{route="\/v1\/resolve"\} 31$/m);
  assert.match(text, /^keyzero_requests_active 0$/m);
  assert.match(text, /^keyzero_memory_resident_bytes \d+$/m);
  for (const hidden of [SENT, CANARY, JWT, "github/pat"]) assert.ok(!text.includes(hidden));
  // Each line is a comment or a sample (Prometheus, "Text-based format").
  for (const line of text.trimEnd().split("\n")) {
    assert.match(line, /^(# (HELP|TYPE) keyzero_\w+ .+|keyzero_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/);
  }
  await doors.shutdown(1000);
});
