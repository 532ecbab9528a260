/** HTTP over TLS: what it carries, and certificates that cannot be used. */
import assert from "node:assert/strict";
import { parseHost } from "../../../policy/host.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";
import { startDoors } from "../testdata/start_doors.ts";
import { JWT } from "../testdata/test_broker.ts";
import { serve } from "./serve.ts";
import type { ReceivedRequest } from "./received_request.ts";
import { SERVER_LIMITS } from "./server_limits.ts";
import { listenTls } from "./tls_listener.ts";

const authority = await CertificateAuthority.create({ now: new Date() });
const { certPem: cert, keyPem: key } = await authority.issue(parseHost("127.0.0.1"));

Deno.test("serve() carries requests in a row, at once, and with large bodies over TLS [S-4.4]", async () => {
  using client = Deno.createHttpClient({ caCerts: [authority.certificatePem] });
  const echo = async (request: ReceivedRequest) => new Response(request.received ?? await request.arrayBuffer());
  using server = await serve(echo, { hostname: "127.0.0.1", port: 0, tls: { cert, key }, limits: SERVER_LIMITS });
  const ask = async (size: number) => {
    const body = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
    const whole = new Uint8Array(size);
    for (let at = 0; at < size; at += body.length) whole.set(body.subarray(0, size - at), at);
    const response = await fetch(`https://127.0.0.1:${server.port}/`, { method: "POST", body: whole, client });
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), whole);
  };
  for (let i = 0; i < 50; i++) await ask(i);
  await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i * 1000)));
  await ask(3 * 2 ** 20);
  // Some go away at any moment.
  for (let i = 0; i < 10; i++) {
    const conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port: server.port,
      caCerts: [authority.certificatePem],
      alpnProtocols: ["http/1.1", "h2"],
    });
    assert.equal((await conn.handshake()).alpnProtocol, "http/1.1");
    await conn.write(new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx"));
    conn.close();
  }
  await ask(10);
  await server.shutdown(1000);
});

Deno.test("the API is the same over TLS, and its URL says https [S-4.4]", async () => {
  using client = Deno.createHttpClient({ caCerts: [authority.certificatePem] });
  using doors = await startDoors({ tls: { cert, key } });
  const response = await fetch(`${doors.url}/v1/resolve`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${JWT}` },
    body: '{"ref":"github/pat"}',
    client,
  });
  assert.match(await response.text(), /KZ_TOK_abc/);
  await doors.shutdown(1000);
});

const other = await authority.issue(parseHost("127.0.0.2"));
const stranger = await (await CertificateAuthority.create({ now: new Date() })).issue(parseHost("127.0.0.1"));
const unusable: [why: string, cert: string, key: string][] = [
  ["a certificate that is none", "-----BEGIN X-----\nAAAA\n-----END X-----\n", key],
  ["a key that is none", cert, cert],
  ["a key of another certificate", cert, stranger.keyPem],
];
for (const [why, cert, key] of unusable) {
  Deno.test(`listenTls() refuses ${why} [S-4.4]`, async () => {
    await assert.rejects(
      listenTls({ hostname: "127.0.0.1", port: 0, cert, key, handshakeMs: 1000 }),
      Deno.errors.InvalidData,
    );
  });
}

Deno.test("listenTls() says when the address is in use [S-4.4]", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(
    listenTls({
      hostname: "127.0.0.1",
      port: taken.addr.port,
      cert: other.certPem,
      key: other.keyPem,
      handshakeMs: 1000,
    }),
    Deno.errors.AddrInUse,
  );
});
