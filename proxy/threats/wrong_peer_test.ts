import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { CLOSE, type LabOptions, openLab } from "../testing/lab.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";
import { connectUpstream } from "../upstream/upstream.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

const WRONG: readonly (readonly [why: string, options: LabOptions, detail: string])[] = [
  ["is for another name", { certificateFor: "evil.test" }, "it is for another name"],
  ["is for a name below", { certificateFor: "a.api.test" }, "it is for another name"],
  ["is for the address that was dialled", { certificateFor: "127.0.0.1" }, "it is for another name"],
  ["has ended", { certifiedAt: new Date(Date.now() - 31 * DAY_MS) }, "it is not valid at this time"],
  ["is of tomorrow", { certifiedAt: new Date(Date.now() + DAY_MS) }, "it is not valid at this time"],
  ["has an unknown issuer", { trusted: false }, "its issuer is not trusted"],
];

for (const [why, options, detail] of WRONG) {
  Deno.test(`TM-09 a host whose certificate ${why} is answered 502 and gets no byte of the request`, async () => {
    await using lab = await openLab(options);
    const body = "hello";
    const answer = await lab.inside(
      `POST /secret-path HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${lab.token}\r\n` +
        `Content-Length: ${body.length}\r\n${CLOSE}\r\n${body}`,
    );
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.match(answer, /"PROXY_UPSTREAM_CERTIFICATE"/);
    assert.equal(lab.upstream.received, "");
    assert.deepEqual(lab.upstream.requests, []);
    assert.equal(lab.refusals[0]?.facts.detail, detail);
  });
}

Deno.test("TM-09 there is no second try without verification", async () => {
  await using lab = await openLab({ trusted: false });
  using client = await lab.client();
  for (let round = 1; round <= 3; round++) {
    await client.send(`GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${lab.token}\r\n\r\n`);
    assert.equal((await client.response()).status, 502);
    assert.equal(lab.upstream.connections, round);
  }
  assert.equal(lab.upstream.received, "");
});

Deno.test("TM-09 a host that never answers the TLS handshake is given up", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = silent.accept();
  await withShortLimit(LIMITS.handshakeTimeoutMs, async () => {
    const target = { host: parseHost("api.test"), port: 443, named: false, secure: true };
    const connect = new Map([[target.host, { hostname: "127.0.0.1", port: silent.addr.port }]]);
    await assert.rejects(
      connectUpstream(target, { connect, upstreamCa: [], anyAddress: true }),
      (error) => error instanceof Refusal && error.code === "PROXY_UPSTREAM_UNREACHABLE",
    );
  });
  (await accepted).close();
});
