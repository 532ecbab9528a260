// Longer than most: the attacks are two tables, with what each leaves in the audit.

import assert from "node:assert/strict";
import { PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import { decodeBase64url, encodeBase64url } from "../base64url.ts";
import { type EdgeLab, type LabResource, openEdgeLab, proxyAuthorization } from "../edge/testing/edge_lab.ts";
import { TokenSealer } from "../edge/token_sealer.ts";
import { CANARY, CLOSE } from "../testing/lab.ts";

const ID = "00112233445566778899aabbccddeeff";
const MINUTE_MS = 60_000;

const request = (token: string, { host = "api.test", method = "GET", path = "/repos", more = "" } = {}) =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n${more}${CLOSE}\r\n`;

/** A sealed text with some bits of one of its bytes flipped. */
function flipped(token: string, at: number): string {
  const sealed = decodeBase64url(token.slice(SEALED_PREFIX.length))!;
  sealed.set([sealed.at(at)! ^ 0x10], at < 0 ? sealed.length + at : at);
  return SEALED_PREFIX + encodeBase64url(sealed);
}

interface Replay {
  readonly resources?: readonly LabResource[];
  /** What is done to the server after the token was made. */
  readonly after?: (lab: EdgeLab) => void;
  /** Makes the token; the default is a good one. */
  readonly token?: (lab: EdgeLab) => Promise<string>;
  readonly pass?: (lab: EdgeLab) => Promise<string>;
  readonly to?: Parameters<typeof request>[1];
  readonly code: string;
  /** What is written down of the token: it is known to be ours. */
  readonly known?: boolean;
}

const bent = (at: number) => async (lab: EdgeLab) => flipped(await lab.token({ id: ID }), at);

const REPLAYS: readonly (readonly [why: string, replay: Replay])[] = [
  ["after its expiry", {
    after: (lab) => lab.clock.now += MINUTE_MS,
    pass: (lab) => lab.pass({ expiresAt: lab.clock.now + 2 * MINUTE_MS }),
    code: "PROXY_TOKEN_EXPIRED",
    known: true,
  }],
  ["with the pass of another subject", {
    pass: (lab) => lab.pass({ subject: "agent-2" }),
    code: "PROXY_TOKEN_SUBJECT_MISMATCH",
    known: true,
  }],
  ["with the pass of a subject that begins alike", {
    pass: (lab) => lab.pass({ subject: "agent-" }),
    code: "PROXY_TOKEN_SUBJECT_MISMATCH",
    known: true,
  }],
  ["with the pass of the same subject of another issuer", {
    pass: (lab) => lab.pass({ issuer: "external" }),
    code: "PROXY_TOKEN_SUBJECT_MISMATCH",
    known: true,
  }],
  ["for a resource of another host", {
    resources: [{}, { ref: "other", hosts: ["other.test"] }],
    token: (lab) => lab.token({ id: ID, resource: "other" }),
    code: "POLICY_TOKEN_TARGET_DENIED",
    known: true,
  }],
  ["for another method than the resource's", {
    resources: [{ methods: ["GET", "HEAD"] }, { ref: "all" }],
    to: { method: "DELETE" },
    code: "POLICY_TOKEN_TARGET_DENIED",
    known: true,
  }],
  ["for another path than the resource's", {
    resources: [{ paths: ["/repos/*"] }, { ref: "all" }],
    to: { path: "/user" },
    code: "POLICY_TOKEN_TARGET_DENIED",
    known: true,
  }],
  ["for a path below another prefix than the host's", {
    resources: [{ hosts: ["api.test/repos"] }, { ref: "all" }],
    to: { path: "/repos2" },
    code: "POLICY_TOKEN_TARGET_DENIED",
    known: true,
  }],
  ["for a path that a server may read in two ways", {
    resources: [{ paths: ["/repos/*"] }, { ref: "all" }],
    to: { path: "/repos/%2e%2e/user" },
    code: "POLICY_TOKEN_TARGET_DENIED",
    known: true,
  }],
  ["with a header that asks for another path", {
    resources: [{ paths: ["/repos"] }],
    to: { more: "X-Original-URL: /user\r\n" },
    code: "POLICY_REQUEST_DENIED",
    known: true,
  }],
  ["with a bit of its day flipped", { token: bent(1), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its nonce flipped", { token: bent(5), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its id flipped", { token: bent(14), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its expiry flipped", { token: bent(14 + 16 + 6 + 2), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its resource flipped", { token: bent(14 + 16 + 12 + 4), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its subject flipped", { token: bent(-17), code: "PROXY_TOKEN_INVALID" }],
  ["with a bit of its tag flipped", { token: bent(-1), code: "PROXY_TOKEN_INVALID" }],
  ["cut off", { token: async (lab) => (await lab.token()).slice(0, -1), code: "PROXY_TOKEN_INVALID" }],
  ["cut off to its prefix", { token: () => Promise.resolve("KZ_TOK_1"), code: "PROXY_TOKEN_INVALID" }],
  ["with a character more", { token: async (lab) => `${await lab.token()}A`, code: "PROXY_TOKEN_INVALID" }],
  ["of another server key", {
    token: async (lab) =>
      await (await TokenSealer.create(new Uint8Array(32))).seal(
        await (await TokenSealer.create(lab.serverKey)).identify(await lab.token({ id: ID })),
      ),
    code: "PROXY_TOKEN_INVALID",
  }],
  ["that is a pass with a token's prefix", {
    token: async (lab) => (await lab.pass()).replace(PASS_PREFIX, SEALED_PREFIX),
    code: "PROXY_TOKEN_INVALID",
  }],
  ["that is a pass", { token: (lab) => lab.pass(), code: "PROXY_TOKEN_MISPLACED" }],
  ["after it was revoked", {
    after: (lab) => lab.revoked.ids.add(ID),
    code: "PROXY_TOKEN_REVOKED",
    known: true,
  }],
  ["after its subject's tokens were revoked", {
    after: (lab) => lab.revoked.subjects.set("internal|agent-1", lab.clock.now),
    code: "PROXY_TOKEN_REVOKED",
    known: true,
  }],
  ["for a resource that is not in the bundle", {
    token: (lab) => lab.token({ id: ID, resource: "github/gone" }),
    code: "PROXY_TOKEN_RESOURCE_UNKNOWN",
    known: true,
  }],
  ["in another header than the resource's", {
    resources: [{ location: "header:X-Api-Key:" }],
    code: "PROXY_TOKEN_MISPLACED",
    known: true,
  }],
  ["beside a second copy of itself", {
    token: (lab) => lab.token({ id: ID }).then((token) => `${token}\r\nX-Copy: ${token}`),
    code: "PROXY_TOKEN_MISPLACED",
    known: true,
  }],
  ["beside a good one of another subject", {
    token: async (lab) => `${await lab.token({ subject: "agent-2", id: ID })}\r\nX-Own: ${await lab.token()}`,
    code: "PROXY_TOKEN_SUBJECT_MISMATCH",
    known: true,
  }],
  ["with a method that is none", { to: { method: "KZ_TOK_1A" }, code: "HTTP_METHOD_REFUSED", known: true }],
];

for (const [why, replay] of REPLAYS) {
  Deno.test(`TM-36 a token ${why} is refused and audited, and nothing is sent`, async () => {
    await using lab = await openEdgeLab(replay.resources === undefined ? {} : { resources: replay.resources });
    const token = await (replay.token ?? ((lab) => lab.token({ id: ID })))(lab);
    const pass = await (replay.pass ?? ((lab) => lab.pass()))(lab);
    using client = await lab.client({ pass });
    replay.after?.(lab);
    await client.send(request(token, replay.to));
    const { status, body } = await client.response();
    const { error } = JSON.parse(body) as { error: { code: string } };
    assert.equal(error.code, replay.code);
    assert.ok(status >= 400 && status < 500);
    // Neither a byte of the request nor a value: nothing was even read of the backend.
    assert.equal(lab.upstream.received, "");
    if (replay.code !== "POLICY_REQUEST_DENIED") assert.deepEqual(lab.reads, []);
    assert.ok(!body.includes(SEALED_PREFIX) && !body.includes("agent-") && !body.includes("github"));
    const [event, ...others] = lab.events;
    assert.deepEqual(others, []);
    assert.equal(event?.event, "swap");
    assert.equal(event.outcome, "denied");
    assert.equal(event.code, replay.code);
    assert.equal(event.host, "api.test");
    assert.ok(event.subject?.startsWith("agent-") && event.issuer !== undefined);
    assert.equal(event.tokenId, replay.known ? ID : undefined);
    assert.ok(!/KZ_|canary/i.test(JSON.stringify(lab.events)));
  });
}

interface Login {
  readonly pass: (lab: EdgeLab) => Promise<string>;
  readonly after?: (lab: EdgeLab) => void;
  readonly code: string;
  /** The pass is ours, so that the audit can name who showed it. */
  readonly known?: boolean;
}

const LOGINS: readonly (readonly [why: string, login: Login])[] = [
  ["an expired pass", {
    pass: (lab) => lab.pass(),
    after: (lab) => lab.clock.now += MINUTE_MS,
    code: "PROXY_PASS_EXPIRED",
    known: true,
  }],
  ["a token", { pass: (lab) => lab.token(), code: "PROXY_CREDENTIALS_REQUIRED" }],
  ["a token with a pass's prefix", {
    pass: async (lab) => (await lab.token()).replace(SEALED_PREFIX, PASS_PREFIX),
    code: "PROXY_CREDENTIALS_REQUIRED",
  }],
  ["a pass with a bit flipped", {
    pass: async (lab) => flipped(await lab.pass(), -20).replace(SEALED_PREFIX, PASS_PREFIX),
    code: "PROXY_CREDENTIALS_REQUIRED",
  }],
  ["a pass that was cut off", {
    pass: async (lab) => (await lab.pass()).slice(0, -2),
    code: "PROXY_CREDENTIALS_REQUIRED",
  }],
  ["a pass of another server key", {
    pass: async (lab) =>
      (await TokenSealer.create(new Uint8Array(32))).sealPass({
        issuer: "internal",
        subject: "agent-1",
        expiresAt: lab.clock.now + MINUTE_MS,
      }),
    code: "PROXY_CREDENTIALS_REQUIRED",
  }],
];

for (const [why, { pass: make, after, code, known }] of LOGINS) {
  for (const start of ["CONNECT api.test:443", "GET http://api.test/"]) {
    Deno.test(`TM-36 ${start.split(" ")[0]} with ${why} is answered 407 and audited`, async () => {
      await using lab = await openEdgeLab();
      const pass = await make(lab);
      after?.(lab);
      const answer = await lab.raw(`${start} HTTP/1.1\r\nHost: api.test\r\n${proxyAuthorization(pass)}${CLOSE}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 407 [^]*^Proxy-Authenticate: Basic /m);
      assert.ok(answer.includes(`"${code}"`) && !answer.includes("agent-1"));
      assert.equal(lab.upstream.connections, 0);
      assert.equal(lab.events.length, 1);
      const [event] = lab.events;
      assert.equal(event?.event, "swap");
      assert.equal(event.outcome, "denied");
      assert.equal(event.code, code);
      assert.equal(event.subject, known ? "agent-1" : undefined);
      assert.ok(!/KZ_/.test(JSON.stringify(lab.events)));
    });
  }
}

Deno.test("TM-36 TM-16 without credentials, or with another user, the proxy answers 407 and writes nothing down", async () => {
  await using lab = await openEdgeLab();
  const pass = await lab.pass();
  for (
    const line of [
      "",
      `Proxy-Authorization: Basic ${btoa(`root:${pass}`)}\r\n`,
      `Proxy-Authorization: Bearer ${pass}\r\n`,
    ]
  ) {
    const answer = await lab.raw(`CONNECT api.test:443 HTTP/1.1\r\nHost: api.test\r\n${line}${CLOSE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 407 /);
  }
  assert.deepEqual(lab.events, []);
});

Deno.test("TM-36 a pass that expires inside of a tunnel is worth nothing for the next request, audited", async () => {
  await using lab = await openEdgeLab();
  const token = await lab.token({ expiresAt: lab.clock.now + 10 * MINUTE_MS });
  using client = await lab.client();
  await client.send(request(token).replace(CLOSE, ""));
  assert.equal((await client.response()).status, 200);
  lab.clock.now += MINUTE_MS;
  await client.send(request(token));
  const { status, body } = await client.response();
  assert.equal(status, 403);
  assert.match(body, /"PROXY_PASS_EXPIRED"/);
  assert.equal(lab.upstream.requests.length, 1);
  assert.deepEqual(lab.events.map(({ outcome, code }) => code ?? outcome), ["allowed", "PROXY_PASS_EXPIRED"]);
});

Deno.test("TM-36 a token is refused for another host at CONNECT, before any request is seen, audited", async () => {
  await using lab = await openEdgeLab();
  for (const authority of ["evil.test:443", "api.test:8443", "sub.api.test:443", "127.0.0.1:443"]) {
    await assert.rejects(lab.tunnel({ authority }), /403 [^]*POLICY_HOST_DENIED/);
    const event = lab.events.at(-1);
    assert.equal(event?.code, "POLICY_HOST_DENIED");
    assert.equal(event.subject, "agent-1");
    assert.equal(`${event.host}:${event.port}`, authority);
  }
  assert.equal(lab.events.length, 4);
  assert.equal(lab.upstream.connections, 0);
});

Deno.test("TM-36 a token is refused on the host of another resource, where its caller may go", async () => {
  await using lab = await openEdgeLab({ resources: [{}, { ref: "other", hosts: ["other.test"] }] });
  const token = await lab.token({ id: ID });
  const answer = await lab.inside(request(token, { host: "other.test" }), { authority: "other.test:443" });
  assert.match(answer, /"POLICY_TOKEN_TARGET_DENIED"/);
  assert.equal(lab.upstream.connections, 0);
  assert.deepEqual(lab.events.map(({ code, host, tokenId }) => [code, host, tokenId]), [
    ["POLICY_TOKEN_TARGET_DENIED", "other.test", ID],
  ]);
});

Deno.test("TM-36 after a reload a token is good for what the new bundle says of its resource, and no more", async () => {
  await using lab = await openEdgeLab();
  const token = await lab.token();
  assert.match(await lab.inside(request(token)), /^HTTP\/1\.1 200 /);
  const without = await lab.replica({ labResources: [{ ref: "github/other" }] });
  assert.match(await lab.inside(request(token), { proxy: without }), /"PROXY_TOKEN_RESOURCE_UNKNOWN"/);
  const narrowed = await lab.replica({ labResources: [{ methods: ["POST"] }, { ref: "github/other" }] });
  assert.match(await lab.inside(request(token), { proxy: narrowed }), /"POLICY_TOKEN_TARGET_DENIED"/);
  const moved = await lab.replica({ labResources: [{ location: "header:X-Api-Key:" }] });
  assert.match(await lab.inside(request(token), { proxy: moved }), /"PROXY_TOKEN_MISPLACED"/);
  assert.equal(lab.upstream.requests.length, 1);
});

Deno.test("TM-36 a good token goes out once for each request that is audited, its line first", async () => {
  let written = 0;
  const seen: number[] = [];
  await using lab = await openEdgeLab({
    audit: async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      written++;
      return null;
    },
    respond: () => {
      seen.push(written);
      return `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`;
    },
  });
  using client = await lab.client();
  const token = await lab.token();
  for (let round = 0; round < 3; round++) {
    await client.send(request(token).replace(CLOSE, ""));
    assert.equal((await client.response()).status, 200);
  }
  assert.deepEqual(seen, [1, 2, 3]);
  assert.ok(lab.upstream.received.includes(CANARY) && !lab.upstream.received.includes("KZ_"));
});
