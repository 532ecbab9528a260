// Longer than most: every place, copy and fault of a swap is a row of a table here, on one lab.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { AppError } from "../../policy/error.ts";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { Denial } from "../../policy/server/denial.ts";
import { CANARY, CLOSE, okay } from "../testing/lab.ts";
import { withLimits } from "../testing/with_limits.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";
import { LIMITS } from "../limits.ts";
import { handshake, KEY_ACCEPT, switching } from "../websocket/testing/websocket_lab.ts";
import { type EdgeLab, type EdgeLabOptions, openEdgeLab, proxyAuthorization } from "./testing/edge_lab.ts";

const get = (fields: string, path = "/repos") => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${fields}${CLOSE}\r\n`;
const bearer = (token: string) => `Authorization: Bearer ${token}\r\n`;
const codes = (lab: EdgeLab) =>
  lab.events.map(({ outcome, code }) => code === undefined ? outcome : `${outcome} ${code}`);

Deno.test("EdgeProxy swaps a token for the value of its resource, which the client never sees [S-6.2]", async () => {
  await using lab = await openEdgeLab({ respond: (request) => okay(request, `X-Echo: ${CANARY}\r\n`) });
  const token = await lab.token({ id: "0123456789abcdef0123456789abcdef" });
  const answer = await lab.inside(get(bearer(token)));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(lab.upstream.requests[0]!, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m"));
  assert.ok(!lab.upstream.received.includes("KZ_"));
  // What came back is the token that was sent, so that what is made of it works again.
  assert.ok(!answer.includes(CANARY) && answer.includes(`Authorization: Bearer ${token}`));
  assert.match(answer, new RegExp(`^X-Echo: ${token}\r$`, "m"));
  assert.deepEqual(lab.events, [{
    event: "swap",
    outcome: "allowed",
    issuer: "internal",
    subject: "agent-1",
    ref: "github/pat",
    tokenId: "0123456789abcdef0123456789abcdef",
    host: "api.test",
    port: 443,
    method: "GET",
  }]);
});

Deno.test("EdgeProxy reads a value once for all tokens of its resource [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  for (let round = 0; round < 3; round++) {
    assert.match(await lab.inside(get(bearer(await lab.token()))), /^HTTP\/1\.1 200 /);
  }
  assert.deepEqual(lab.reads, [{ backend: "backend", secret: "pat" }]);
});

Deno.test("EdgeProxy finds the resource of a token by the most literal glob, and its backend's ref by that [S-6.2]", async () => {
  await using lab = await openEdgeLab({
    resources: [{ ref: "**", hosts: ["other.test"] }, { ref: "github/*", secret: "gh-{ref}" }],
  });
  const token = await lab.token({ resource: "github/bot" });
  assert.match(await lab.inside(get(bearer(token))), /^HTTP\/1\.1 200 /);
  assert.match(lab.upstream.received, new RegExp(`Bearer gh-github/bot-${CANARY}\r`));
  assert.equal(lab.events[0]?.ref, "github/bot");
});

const basic = (login: string) => `Authorization: Basic ${btoa(login)}\r\n`;

/** Where a resource's value goes, what a client sends, and what the host sees; undefined: it is refused. */
const LOCATIONS: readonly (readonly [
  why: string,
  location: string,
  request: (token: string) => string,
  expected: string | undefined,
])[] = [
  ["a scheme", "header:Authorization:Bearer", (token) => get(bearer(token)), `Bearer ${CANARY}\r\n`],
  ["a scheme in small letters", "header:Authorization:Bearer", (t) => get(`authorization: bearer ${t}\r\n`), CANARY],
  ["another scheme", "header:Authorization:Bearer", (t) => get(`Authorization: token ${t}\r\n`), undefined],
  ["no scheme", "header:Authorization:Bearer", (t) => get(`Authorization: ${t}\r\n`), undefined],
  ["Basic in place of a scheme", "header:Authorization:Bearer", (t) => get(basic(`git:${t}`)), undefined],
  ["text behind it", "header:Authorization:Bearer", (t) => get(`Authorization: Bearer ${t} x\r\n`), undefined],
  ["text before it", "header:Authorization:Bearer", (t) => get(`Authorization: Bearer x${t}\r\n`), undefined],
  ["another header", "header:Authorization:Bearer", (t) => get(`X-Api-Key: ${t}\r\n`), undefined],
  ["a header of its own", "header:X-Api-Key:", (t) => get(`x-api-key: ${t}\r\n`), `x-api-key: ${CANARY}\r\n`],
  ["a scheme where there is none", "header:X-Api-Key:", (t) => get(`X-Api-Key: Bearer ${t}\r\n`), undefined],
  ["a repeated header", "header:X-Api-Key:", (t) => get(`X-Api-Key: ${t}\r\nX_Api_Key: b\r\n`), undefined],
  ["Basic", "basic:git", (t) => get(basic(`git:${t}`)), basic(`git:${CANARY}`)],
  ["Basic with another user", "basic:git", (t) => get(basic(`root:${t}`)), undefined],
  ["Basic without a user", "basic:git", (t) => get(basic(`:${t}`)), undefined],
  ["Basic as its user", "basic:git", (t) => get(basic(`${t}:x`)), undefined],
  ["Basic with text behind it", "basic:git", (t) => get(basic(`git:${t}.`)), undefined],
  ["Basic without padding", "basic:gi", (t) => get(basic(`gi:${t}`).replace(/=+\r/, "\r")), undefined],
  ["Bearer in place of Basic", "basic:git", (t) => get(bearer(t)), undefined],
  ["Basic in another header", "basic:git", (t) => get(basic(`git:${t}`).replace("Authorization", "X-Auth")), undefined],
  ["a parameter", "query:key", (t) => get("", `/repos?a=b&key=${t}`), `GET /repos?a=b&key=${CANARY} HTTP/1.1\r\n`],
  ["a parameter whose name is escaped", "query:key", (t) => get("", `/repos?k%65y=${t}`), `?k%65y=${CANARY} `],
  ["another parameter", "query:key", (t) => get("", `/repos?other=${t}`), undefined],
  ["a part of a parameter", "query:key", (t) => get("", `/repos?key=a${t}`), undefined],
  ["a parameter's name", "query:key", (t) => get("", `/repos?${t}=key`), undefined],
  ["the path", "query:key", (t) => get("", `/repos/${t}`), undefined],
  ["a header in place of a parameter", "query:key", (t) => get(bearer(t)), undefined],
];

for (const [why, location, request, expected] of LOCATIONS) {
  Deno.test(`TM-04 EdgeProxy ${expected ? "swaps" : "refuses"} a token for ${location} in ${why} [S-6.2]`, async () => {
    await using lab = await openEdgeLab({ resources: [{ location }] });
    const answer = await lab.inside(request(await lab.token()));
    if (expected !== undefined) {
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.ok(lab.upstream.received.includes(expected), lab.upstream.received);
      assert.ok(!lab.upstream.received.includes("KZ_"));
      assert.deepEqual(codes(lab), ["allowed"]);
      return;
    }
    assert.match(answer, /^HTTP\/1\.1 403 [^]*PROXY_TOKEN_(?:MISPLACED|REPEATED)/);
    assert.equal(lab.upstream.received, "");
    assert.equal(lab.events.length, 1);
    assert.match(codes(lab)[0]!, /^denied PROXY_TOKEN_(?:MISPLACED|REPEATED)$/);
  });
}

const hex = (text: string) => Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const post = (token: string, body: string, type = "text/plain") =>
  `POST /repos HTTP/1.1\r\nHost: api.test\r\n${bearer(token)}Content-Type: ${type}\r\n` +
  `Content-Length: ${body.length}\r\n${CLOSE}\r\n${body}`;

/** Further copies of a good token, or of another one, or of a pass, beside a good one. */
const COPIES: readonly (readonly [why: string, request: (good: string, other: string, pass: string) => string])[] = [
  ["in another header", (good) => get(`${bearer(good)}X-Copy: ${good}\r\n`)],
  ["in a header's name", (good, other) => get(`${bearer(good)}${other}: 1\r\n`)],
  ["in Cookie", (good, other) => get(`${bearer(good)}Cookie: a=${other}\r\n`)],
  ["in a header in base64", (good, other) => get(`${bearer(good)}X-Copy: ${btoa(other)}\r\n`)],
  ["in a header in hexadecimal", (good, other) => get(`${bearer(good)}X-Copy: ${hex(other)}\r\n`)],
  ["in a header in Basic", (good, other) => get(`${bearer(good)}X-Copy: Basic ${btoa(`a:${other}`)}\r\n`)],
  ["in the path", (good, other) => get(bearer(good), `/repos/${other}`)],
  ["in the path with one character escaped", (good, other) => get(bearer(good), `/repos/%4b${other.slice(1)}`)],
  ["in the query", (good, other) => get(bearer(good), `/repos?a=${other}`)],
  ["in the query, escaped twice", (good, other) => get(bearer(good), `/repos?a=%254b${other.slice(1)}`)],
  ["in a body", (good) => post(good, `see ${good}`)],
  ["of another in a body", (good, other) => post(good, `see ${other}`)],
  ["in a JSON body", (good, other) => post(good, JSON.stringify({ a: [other] }), "application/json")],
  ["in JSON escapes", (good, other) => post(good, `{"a":"\\u004b${other.slice(1)}"}`, "application/json")],
  ["in a form", (good, other) => post(good, `a=${other}`, "application/x-www-form-urlencoded")],
  ["in a body in base64", (good, other) => post(good, `see ${btoa(`x${other}`)}`)],
  ["in a body without a good one", (_, other) => post("none", other)],
  ["of the pass in a header", (good, _, pass) => get(`${bearer(good)}X-Copy: ${pass}\r\n`)],
  ["of the pass in a body", (good, _, pass) => post(good, pass)],
  ["of the pass in Authorization", (_, __, pass) => get(bearer(pass))],
  ["of the prefix alone", (good) => post(good, "KZ_TOK_1")],
];

for (const [why, request] of COPIES) {
  Deno.test(`TM-05 EdgeProxy refuses a copy of a token ${why}, and nothing is sent [S-6.2]`, async () => {
    await using lab = await openEdgeLab();
    const [good, other, pass] = await Promise.all([lab.token(), lab.token(), lab.pass()]);
    const answer = await lab.inside(request(good, other, pass), { pass });
    assert.match(answer, /^HTTP\/1\.1 403 [^]*PROXY_TOKEN_MISPLACED/);
    assert.equal(lab.upstream.received, "");
    assert.ok(lab.events.length >= 1);
    for (const event of lab.events) assert.equal(event.code, "PROXY_TOKEN_MISPLACED");
    assert.ok(!/KZ_/.test(JSON.stringify(lab.events)));
  });
}

Deno.test("TM-05 EdgeProxy cuts a streamed body with a token in it off, and audits that after its permission [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const token = await lab.token();
  const body = "x".repeat(70_000) + token;
  const answer = await lab.inside(
    `POST /repos HTTP/1.1\r\nHost: api.test\r\n${bearer(token)}Content-Length: ${body.length}\r\n${CLOSE}\r\n${body}`,
  );
  assert.match(answer, /PROXY_TOKEN_MISPLACED/);
  assert.ok(!lab.upstream.received.includes("KZ_TOK_1") && lab.upstream.requests.length === 0);
  assert.deepEqual(codes(lab), ["allowed", "denied PROXY_TOKEN_MISPLACED"]);
  assert.equal(lab.events[0]?.tokenId, lab.events[1]?.tokenId);
});

Deno.test("TM-17 EdgeProxy refuses a request that holds a value, of this or of another resource [S-6.2]", async () => {
  await using lab = await openEdgeLab({ resources: [{}, { ref: "other", secret: "other" }] });
  const token = await lab.token();
  assert.match(await lab.inside(get(bearer(token))), /^HTTP\/1\.1 200 /);
  assert.match(await lab.inside(get(bearer(await lab.token({ resource: "other" })))), /^HTTP\/1\.1 200 /);
  const sent = lab.upstream.received;
  for (const value of [CANARY, `other-${CANARY}`, btoa(CANARY)]) {
    const answer = await lab.inside(get(`${bearer(token)}X-Copy: ${value}\r\n`));
    assert.match(answer, /^HTTP\/1\.1 403 [^]*POLICY_VALUE_OUTGOING/);
    assert.equal(codes(lab).at(-1), "denied POLICY_VALUE_OUTGOING");
  }
  assert.equal(lab.upstream.received, sent);
});

Deno.test("TM-01 EdgeProxy replaces values of other resources in a response as well, and does not say whose [S-6.2]", async () => {
  const other = `other-${CANARY}`;
  await using lab = await openEdgeLab({
    resources: [{ secret: "mine" }, { ref: "other", secret: "other" }],
    values: { mine: "mine-2f1d88a1c0", other },
    respond: () => okay(`it is ${other}, or ${btoa(other)}`),
  });
  await lab.inside(get(bearer(await lab.token({ resource: "other" }))));
  const answer = await lab.inside(get(bearer(await lab.token())));
  assert.ok(answer.endsWith("it is kz_masked_value, or kz_masked_value"), answer);
  assert.ok(!(await lab.inside(get(""))).includes(CANARY));
});

const OPEN = [{ hosts: ["api.test"], methods: ["GET"], paths: ["/repos", "/repos/*"] }];
const PLAIN: readonly (readonly [request: string, status: number])[] = [
  ["GET /repos", 200],
  ["GET /repos/a?b=c", 200],
  ["GET /user", 403],
  ["GET /repos/%2e%2e/user", 403],
  ["POST /repos", 403],
  ["TRACE /repos", 403],
];

for (const [start, status] of PLAIN) {
  Deno.test(`EdgeProxy answers ${start} without a token with ${status}, by what some resource allows [S-6.2]`, async () => {
    await using lab = await openEdgeLab({ resources: OPEN });
    const answer = await lab.inside(`${start} HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
    assert.equal(Number(answer.slice(9, 12)), status);
    assert.equal(lab.upstream.requests.length, status === 200 ? 1 : 0);
    // No token, no swap: there is a line for a refusal alone.
    assert.deepEqual(codes(lab), status === 200 ? [] : ["denied POLICY_REQUEST_DENIED"]);
    assert.deepEqual(lab.reads, []);
  });
}

Deno.test("TM-10 EdgeProxy carries nothing in clear text, with a token or without, and audits the token [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const login = proxyAuthorization(await lab.pass());
  const start = `GET http://api.test/repos HTTP/1.1\r\nHost: api.test\r\n${login}${CLOSE}`;
  assert.match(await lab.raw(`${start}\r\n`), /^HTTP\/1\.1 403 [^]*PROXY_CLEAR_TEXT/);
  assert.deepEqual(codes(lab), []);
  const token = await lab.token({ id: "f".repeat(32) });
  assert.match(await lab.raw(`${start}${bearer(token)}\r\n`), /^HTTP\/1\.1 403 [^]*PROXY_CLEAR_TEXT/);
  assert.deepEqual(codes(lab), ["denied PROXY_CLEAR_TEXT"]);
  assert.equal(lab.events[0]?.tokenId, "f".repeat(32));
  assert.equal(lab.upstream.connections, 0);
});

Deno.test("TM-08 EdgeProxy goes by the name of the tunnel alone: another Host is answered 421, audited [S-6.2]", async () => {
  await using lab = await openEdgeLab({ resources: [{ hosts: ["api.test", "other.test"] }] });
  const token = await lab.token();
  const answer = await lab.inside(get(bearer(token)).replace("Host: api.test", "Host: other.test"));
  assert.match(answer, /^HTTP\/1\.1 421 /);
  assert.deepEqual(codes(lab), ["denied HTTP_HOST_MISMATCH"]);
  assert.equal(lab.upstream.received, "");
});

Deno.test("EdgeProxy proves to who asks for its own name that it is the server's, in a tunnel to any host [S-6.4]", async () => {
  await using lab = await openEdgeLab({ resources: [{ hosts: ["api.test", "127.0.0.1:1"] }] });
  // Nothing is behind the address.
  for (const [authority, status] of [["api.test:443", 200], ["127.0.0.1:1", 502]] as const) {
    using client = await lab.client({ authority, serverName: SERVER_PROXY_NAME });
    await client.send(get("").replace("api.test", authority));
    assert.equal((await client.response()).status, status);
  }
});

Deno.test("TM-08 whoever changes the line of CONNECT gets nothing: the proxy's name is no host's [S-6.4]", async () => {
  await using lab = await openEdgeLab({ resources: [{ hosts: ["api.test", "other.test", "api.test:8443"] }] });
  const token = await lab.token();
  for (const authority of ["other.test:443", "api.test:8443"]) {
    const answer = await lab.inside(get(bearer(token)), { authority, serverName: SERVER_PROXY_NAME });
    assert.match(answer, /^HTTP\/1\.1 421 /);
  }
  assert.deepEqual(codes(lab), ["denied HTTP_HOST_MISMATCH", "denied HTTP_HOST_MISMATCH"]);
  assert.equal(lab.upstream.connections, 0);
  // It is not reached as a host either.
  await assert.rejects(lab.tunnel({ authority: `${SERVER_PROXY_NAME}:443` }), /POLICY_HOST_DENIED/);
});

Deno.test("TM-12 EdgeProxy reaches a loopback address only if a resource names its host itself [S-6.2]", async () => {
  const dial = { connect: new Map(), upstreamCa: [], anyAddress: true };
  await using lab = await openEdgeLab({ resources: [{ hosts: ["*.local.test", "127.0.0.1:1"] }] });
  const proxy = await lab.replica({ dial });
  const named = await lab.inside(get(bearer(await lab.token())).replace("api.test", "127.0.0.1:1"), {
    authority: "127.0.0.1:1",
    proxy,
  });
  assert.match(named, /PROXY_UPSTREAM_UNREACHABLE/);
  await assert.rejects(lab.tunnel({ authority: "127.0.0.1:443", proxy }), /POLICY_HOST_DENIED/);
});

Deno.test("EdgeProxy carries a WebSocket whose handshake holds a token, and no token in its messages [S-6.2]", async () => {
  await using lab = await openEdgeLab({
    respond: (request) => {
      const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)![1]!;
      return switching(accept(key));
    },
  });
  const token = await lab.token();
  using client = await lab.client();
  await client.send(handshake(bearer(token)));
  assert.match((await client.response()).head, new RegExp(`^HTTP/1\\.1 101 [^]*${KEY_ACCEPT.replaceAll("+", "\\+")}`));
  assert.ok(lab.upstream.received.includes(`Bearer ${CANARY}`));
  assert.deepEqual(codes(lab), ["allowed"]);
  // A text frame with the mask 0 (RFC 6455 §5.2): length 126 and two bytes.
  const frame = `\x81\xfe${String.fromCharCode(token.length >> 8, token.length & 0xff)}\0\0\0\0${token}`;
  await client.send(frame);
  assert.match(await client.rest(), /PROXY_TOKEN_MISPLACED/);
  assert.ok(!lab.upstream.received.includes("KZ_TOK_1"));
  assert.deepEqual(codes(lab), ["allowed", "denied PROXY_TOKEN_MISPLACED"]);
});

function accept(key: string): string {
  // Sec-WebSocket-Accept, RFC 6455 §4.2.2.
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Workers that do not do what they are asked. */
const FAULTS: readonly (readonly [why: string, options: EdgeLabOptions, code: string, status: number])[] = [
  ["the state cannot be read", { state: () => Promise.reject(new Error("down")) }, "PROXY_STATE_UNAVAILABLE", 503],
  ["the state's answer is none", { state: () => Promise.resolve({} as never) }, "PROXY_TOKEN_REVOKED", 403],
  ["the audit cannot be written", { audit: () => Promise.reject(new Error("full")) }, "PROXY_AUDIT_UNAVAILABLE", 503],
  ["the value is too short to be found again", { values: { pat: "short" } }, "PROXY_VALUE_UNSENDABLE", 403],
  ["the value cannot stand in a header", { values: { pat: `${CANARY}\n` } }, "PROXY_VALUE_UNSENDABLE", 403],
];

for (const [why, options, code, status] of FAULTS) {
  Deno.test(`EdgeProxy answers ${status} and sends nothing if ${why} [S-6.2]`, async () => {
    await using lab = await openEdgeLab(options);
    const answer = await lab.inside(get(bearer(await lab.token())));
    assert.equal(Number(answer.slice(9, 12)), status);
    assert.ok(answer.includes(`"${code}"`), answer);
    assert.equal(lab.upstream.received, "");
    assert.ok(!answer.includes(CANARY));
    if (options.audit === undefined) assert.deepEqual(codes(lab), [`denied ${code}`]);
  });
}

for (
  const [name, options, code] of [
    ["state", { state: () => new Promise<never>(() => {}) }, "PROXY_STATE_UNAVAILABLE"],
    ["audit", { audit: () => new Promise<never>(() => {}) }, "PROXY_AUDIT_UNAVAILABLE"],
  ] as const
) {
  Deno.test(`EdgeProxy does not wait for ever for the ${name} worker [S-6.2]`, async () => {
    await withShortLimit(LIMITS.workerAnswerMs, async () => {
      await using lab = await openEdgeLab(options);
      assert.ok((await lab.inside(get(bearer(await lab.token())))).includes(code));
      assert.equal(lab.upstream.received, "");
    });
  });
}

Deno.test("EdgeProxy says that a value cannot be read, and reads it again a moment later [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const denied = new Denial("SECRET_UNAVAILABLE");
  const values = {
    get: () => Promise.reject(denied),
    markUnauthorized() {},
    valuePlan: lab.values.valuePlan,
    replacements: [],
  };
  const proxy = await lab.replica({ values });
  const answer = await lab.inside(get(bearer(await lab.token())), { proxy });
  assert.match(answer, /^HTTP\/1\.1 502 [^]*PROXY_SECRET_UNAVAILABLE/);
  assert.deepEqual(codes(lab), ["denied PROXY_SECRET_UNAVAILABLE"]);
});

Deno.test("TM-09 EdgeProxy audits a swap that then fails as an error: the host's certificate is not trusted [S-6.2]", async () => {
  await using lab = await openEdgeLab({ trusted: false });
  assert.match(await lab.inside(get(bearer(await lab.token()))), /^HTTP\/1\.1 502 [^]*PROXY_UPSTREAM_CERTIFICATE/);
  assert.equal(lab.upstream.received, "");
  assert.deepEqual(codes(lab), ["allowed", "error PROXY_UPSTREAM_CERTIFICATE"]);
});

Deno.test("EdgeProxy: replicas of one key serve each other's clients: authority, pass and token [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const second = await lab.replica();
  assert.notEqual(second.caPem, lab.proxy.caPem);
  const [token, pass] = await Promise.all([lab.token(), lab.pass()]);
  for (const [proxy, caPem] of [[lab.proxy, second.caPem], [second, lab.proxy.caPem]] as const) {
    assert.match(await lab.inside(get(bearer(token)), { proxy, caPem, pass }), /^HTTP\/1\.1 200 /);
  }
  const stranger = await lab.replica({ serverKey: new Uint8Array(32) });
  await assert.rejects(lab.tunnel({ proxy: stranger, pass }), /^Error: HTTP\/1\.1 407 /);
});

Deno.test("EdgeProxy closes to a caller's connections that do not trust its authority, and tells the operator [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const stranger = await lab.replica({ serverKey: new Uint8Array(32).fill(1) });
  await assert.rejects(lab.tunnel({ caPem: stranger.caPem }), /UnknownIssuer|BadSignature/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(lab.refusals[0]?.code, "PROXY_CLIENT_HANDSHAKE");
});

Deno.test("TM-24 EdgeProxy opens so many tokens of a request and no more [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const tokens = await Promise.all(Array.from({ length: LIMITS.sealedTokens + 1 }, () => lab.token()));
  const answer = await lab.inside(get(tokens.map((token, at) => `X-${at}: ${token}\r\n`).join("")));
  assert.match(answer, /^HTTP\/1\.1 403 [^]*PROXY_TOKEN_LIMIT/);
  assert.deepEqual(codes(lab), ["denied PROXY_TOKEN_LIMIT"]);
});

Deno.test("TM-38 EdgeProxy answers 429 to a caller with too many requests, and serves another one [S-6.2]", async () => {
  await withLimits({ exchangesPerCaller: 2 }, async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using lab = await openEdgeLab({
      respond: (request) => /slow/.test(request) ? held.then(() => okay("")) : okay(""),
    });
    const slow = await Promise.all([1, 2].map(() => lab.client()));
    for (const client of slow) await client.send(get("", "/slow"));
    while (lab.upstream.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(await lab.inside(get("")), /^HTTP\/1\.1 429 [^]*PROXY_CALLER_LIMIT/);
    const pass = await lab.pass({ subject: "agent-2" });
    assert.match(await lab.inside(get(""), { pass }), /^HTTP\/1\.1 200 /);
    release();
    for (const client of slow) {
      assert.equal((await client.response()).status, 200);
      client[Symbol.dispose]();
    }
    assert.match(await lab.inside(get("")), /^HTTP\/1\.1 200 /);
  });
});

Deno.test("TM-38 wrong passes fill the audit log with so many lines and no more [S-6.2]", async () => {
  await withLimits({ wrongPassesTold: 3 }, async () => {
    await using lab = await openEdgeLab();
    const ask = async () => {
      const login = proxyAuthorization("KZ_PRX_1wrong");
      assert.match(
        await lab.raw(`CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\n${login}${CLOSE}\r\n`),
        /^HTTP\/1\.1 407 /,
      );
    };
    for (let round = 0; round < 5; round++) await ask();
    assert.equal(lab.events.length, 3);
    lab.clock.now += 10_000;
    await ask();
    assert.equal(lab.events.length, 4);
  });
});

Deno.test("EdgeProxy.end() lets a request finish and takes no new connection [S-6.2]", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using lab = await openEdgeLab({ respond: () => held.then(() => okay("at last")) });
  using client = await lab.client();
  await client.send(get(bearer(await lab.token())));
  while (lab.upstream.requests.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const ended = lab.proxy.end(5_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assert.rejects(lab.tunnel(), Deno.errors.ConnectionRefused);
  release();
  assert.equal((await client.response()).body, "at last");
  await ended;
});

Deno.test("EdgeProxy.end() closes what goes on after its time [S-6.2]", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using lab = await openEdgeLab({ respond: () => held.then(() => okay("too late")) });
  using client = await lab.client();
  await client.send(get(""));
  while (lab.upstream.requests.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  await lab.proxy.end(20);
  assert.equal((await client.response()).status, 0);
  release();
});

Deno.test("EdgeProxy waits for an address that the proxy before it still has, and no longer than it may [S-6.2]", async () => {
  await using lab = await openEdgeLab();
  const listen = { hostname: "127.0.0.1", port: lab.proxy.port };
  await assert.rejects(
    lab.replica({ listen }),
    (error) => error instanceof AppError && error.code === "SERVER_LISTEN_FAILED" && /in use$/.test(error.message),
  );
  const next = lab.replica({ listen, listenWaitMs: 5_000 });
  await lab.proxy.end(0);
  assert.equal((await next).port, listen.port);
  const answer = await lab.inside(get(bearer(await lab.token())), { proxy: await next });
  assert.match(answer, /^HTTP\/1\.1 200 /);
});
