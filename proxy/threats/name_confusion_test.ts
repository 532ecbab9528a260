import assert from "node:assert/strict";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { CLOSE, openLab } from "../testing/lab.ts";
import { RawClient } from "../testing/raw_client.ts";

const request = (target: string, host: string, token: string) =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n${CLOSE}\r\n`;

const DISAGREE: readonly (readonly [why: string, target: string, host: string])[] = [
  ["another host", "/", "other.test"],
  ["a host below", "/", "a.api.test"],
  ["a host above", "/", "test"],
  ["a host that begins alike", "/", "api.test.evil.test"],
  ["another port", "/", "api.test:8443"],
  ["the port of clear text", "/", "api.test:80"],
  ["an address", "/", "127.0.0.1"],
  ["another host in the absolute form", "https://other.test/", "api.test"],
  ["another port in the absolute form", "https://api.test:8443/", "api.test"],
  ["clear text in the absolute form", "http://api.test:443/", "api.test"],
  ["another Host beside a right absolute form", "https://api.test/", "other.test"],
];

for (const [why, target, host] of DISAGREE) {
  Deno.test(`TM-08 a request that names ${why} in a tunnel is answered 421`, async () => {
    await using lab = await openLab();
    const answer = await lab.inside(request(target, host, lab.token));
    assert.match(answer, /^HTTP\/1\.1 421 /);
    assert.equal(lab.upstream.connections, 0);
    assert.equal(lab.refusals[0]?.code, "HTTP_HOST_MISMATCH");
    assert.equal(lab.refusals[0]?.facts.host, "api.test");
  });
}

// The last one is a team server's, which a blind run's proxy is not.
for (const sni of ["other.test", "api.test.evil.test", "a.api.test", SERVER_PROXY_NAME]) {
  Deno.test(`TM-08 a server name ${sni} in a tunnel to api.test is answered 421`, async () => {
    await using lab = await openLab();
    using client = new RawClient(await lab.tunnel("api.test:443", { serverName: sni }));
    await client.send(request("/", "api.test", lab.token));
    assert.equal((await client.response()).status, 421);
    assert.equal(lab.upstream.connections, 0);
  });
}

Deno.test("TM-08 a server name that agrees in another spelling is served", async () => {
  await using lab = await openLab();
  using client = new RawClient(await lab.tunnel("api.test:443", { serverName: "API.test" }));
  await client.send(request("/", "api.test", lab.token));
  assert.equal((await client.response()).status, 200);
});

const AGREE: readonly (readonly [why: string, target: string, host: string, line: string])[] = [
  ["capitals", "/a", "API.Test", "GET /a HTTP/1.1"],
  ["the default port", "/a", "api.test:443", "GET /a HTTP/1.1"],
  ["a dot at its end", "/a", "api.test.", "GET /a HTTP/1.1"],
  ["the absolute form", "https://API.test:443/a?b", "api.test", "GET /a?b HTTP/1.1"],
  ["an absolute form without a path", "https://api.test?b", "api.test", "GET /?b HTTP/1.1"],
];

for (const [why, target, host, line] of AGREE) {
  Deno.test(`TM-08 a Host with ${why} is rewritten to the one canonical form`, async () => {
    await using lab = await openLab();
    assert.match(await lab.inside(request(target, host, lab.token)), /^HTTP\/1\.1 200 /);
    assert.ok(lab.upstream.requests[0]!.startsWith(`${line}\r\nHost: api.test\r\n`));
  });
}

Deno.test("TM-08 the Host of another port than the scheme's is written with it", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(request("/", "api.test:8443", "x"), "api.test:8443");
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(lab.upstream.requests[0]!, /^Host: api\.test:8443\r$/m);
});

Deno.test("TM-08 the Host of CONNECT itself decides nothing", async () => {
  await using lab = await openLab();
  using client = await lab.connect();
  const login = btoa(`kz:${lab.login.password}`);
  await client.send(
    `CONNECT api.test:443 HTTP/1.1\r\nHost: other.test:443\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
  );
  await client.waitFor("\r\n\r\n");
  const tls = await Deno.startTls(client.conn as Deno.TcpConn, { hostname: "api.test", caCerts: [lab.caPem] });
  // Verified for the name that CONNECT asked for.
  await tls.handshake();
  tls.close();
});
