import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { type Lab, openLab } from "../testing/lab.ts";
import type { RawClient } from "../testing/raw_client.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";

async function openTunnel(lab: Lab): Promise<RawClient> {
  const client = await lab.connect();
  const login = btoa(`kz:${lab.login.password}`);
  await client.send(`CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
  assert.match(await client.waitFor("\r\n\r\n"), /^HTTP\/1\.1 200 [^\r]*\r\n\r\n$/);
  return client;
}

const NOT_TLS: readonly (readonly [why: string, bytes: string])[] = [
  ["an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["plain HTTP", "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"],
  ["HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["SMTP", "EHLO evil.test\r\n"],
  ["PostgreSQL's request for TLS", "\x00\x00\x00\x08\x04\xd2\x16\x2f"],
  ["an SSLv2 hello", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"],
  ["a TLS alert", "\x15\x03\x01\x00\x02\x02\x28"],
  ["a TLS record of application data", "\x17\x03\x03\x00\x05hello"],
  ["a TLS record of no known version", "\x16\x02\x00\x00\x05hello"],
  ["a handshake record that is no ClientHello", "\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"],
  ["an empty handshake record", "\x16\x03\x01\x00\x00"],
  ["a record over 16 KiB", "\x16\x03\x01\x40\x01\x01"],
  ["a ClientHello over 16 KiB", "\x16\x03\x01\x00\x04\x01\x01\x00\x00"],
  ["zeros", "\0".repeat(100)],
];

for (const [why, bytes] of NOT_TLS) {
  Deno.test(`TM-21 ${why} in a tunnel is not carried`, async () => {
    await using lab = await openLab();
    using client = await openTunnel(lab);
    await client.send(bytes);
    const answer = await client.rest();
    assert.ok(!/^HTTP/m.test(answer.slice(answer.indexOf("\r\n\r\n") + 4)));
    assert.equal(lab.upstream.connections, 0);
    assert.equal(lab.refusals[0]?.code, "PROXY_TUNNEL_NOT_TLS");
  });
}

Deno.test("TM-21 a tunnel that stays silent is closed in time", async () => {
  await using lab = await openLab();
  await withShortLimit(LIMITS.handshakeTimeoutMs, async () => {
    using client = await openTunnel(lab);
    await client.rest();
    assert.equal(lab.upstream.connections, 0);
  });
});

for (const protocols of [["h3"], ["spdy/3"], ["http/1.0"]]) {
  Deno.test(`TM-21 a client that offers ${protocols} only fails in the handshake`, async () => {
    await using lab = await openLab();
    using client = await openTunnel(lab);
    // Kept from reading past the answer of CONNECT.
    const tcp = client.conn as Deno.TcpConn;
    await assert.rejects(async () => {
      const tls = await Deno.startTls(tcp, { hostname: "api.test", caCerts: [lab.caPem], alpnProtocols: protocols });
      await tls.handshake().finally(() => tls.close());
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(lab.refusals[0]?.code, "PROXY_PROTOCOL_UNSUPPORTED");
    assert.equal(lab.upstream.connections, 0);
  });
}

Deno.test("TM-21 a response never upgrades a connection", async () => {
  await using lab = await openLab({
    respond: () => "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes",
  });
  using client = await lab.client();
  await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  const answer = await client.response();
  assert.equal(answer.status, 502);
  assert.ok(!answer.body.includes("frames"));
});
