import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { parseHost } from "../../policy/host.ts";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { type Lab, openLab } from "../testing/lab.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = new Date();

Deno.test("TM-29 the CA's private key cannot be exported, and is all but the leaves' key", async () => {
  const { generateKey } = crypto.subtle;
  const made: { extractable: boolean; algorithm: string }[] = [];
  Object.defineProperty(crypto.subtle, "generateKey", {
    configurable: true,
    value: (...args: Parameters<typeof generateKey>) => {
      made.push({ extractable: args[1], algorithm: JSON.stringify(args[0]) });
      return generateKey.apply(crypto.subtle, args);
    },
  });
  try {
    await CertificateAuthority.create({ now: NOW });
  } finally {
    Reflect.deleteProperty(crypto.subtle, "generateKey");
  }
  const algorithm = '{"name":"ECDSA","namedCurve":"P-256"}';
  assert.deepEqual(made, [{ extractable: false, algorithm }, { extractable: true, algorithm }]);
});

Deno.test("TM-29 nothing that is printed or cloned of the CA holds a key", async () => {
  const ca = await CertificateAuthority.create({ now: NOW });
  const { keyPem } = await ca.issue(parseHost("api.test"));
  const secret = keyPem.split("\n")[1]!;
  const shown = [Deno.inspect(ca, { depth: 9, showHidden: true }), JSON.stringify(ca), String(ca)].join("\n");
  assert.ok(!shown.includes("PRIVATE") && !shown.includes(secret));
  const clone: unknown = structuredClone(ca);
  assert.deepEqual(Object.keys(clone as object), ["certificatePem"]);
});

Deno.test("TM-29 each run has a new CA with a new key and a new name", async () => {
  const [first, second] = await Promise.all([
    CertificateAuthority.create({ now: NOW }),
    CertificateAuthority.create({ now: NOW }),
  ]);
  const [a, b] = [new X509Certificate(first.certificatePem), new X509Certificate(second.certificatePem)];
  assert.notEqual(a.fingerprint256, b.fingerprint256);
  assert.notEqual(a.serialNumber, b.serialNumber);
  assert.notEqual(a.subject, b.subject);
  const leaf = new X509Certificate((await second.issue(parseHost("api.test"))).certPem);
  assert.ok(leaf.verify(b.publicKey));
  assert.ok(!leaf.verify(a.publicKey));
});

Deno.test("TM-29 certificates are short-lived, and a leaf is no CA", async () => {
  const ca = await CertificateAuthority.create({ now: NOW });
  const root = new X509Certificate(ca.certificatePem);
  const leaf = new X509Certificate((await ca.issue(parseHost("api.test"))).certPem);
  assert.ok(root.ca && !leaf.ca);
  for (const certificate of [root, leaf]) {
    const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    assert.ok(from < NOW && NOW.getTime() - from.getTime() <= DAY_MS);
    assert.ok(to.getTime() - NOW.getTime() <= 31 * DAY_MS);
  }
});

const NAMES: readonly (readonly [host: string, altName: string])[] = [
  ["api.test", "DNS:api.test"],
  ["127.0.0.1", "IP Address:127.0.0.1"],
  ["[::1]", "IP Address:::1"],
  ["[2001:db8::1:0:2]", "IP Address:2001:db8::1:0:2"],
];

for (const [host, altName] of NAMES) {
  Deno.test(`TM-29 a leaf for ${host} is for that name alone`, async () => {
    const ca = await CertificateAuthority.create({ now: NOW });
    const leaf = new X509Certificate((await ca.issue(parseHost(host))).certPem);
    assert.equal(leaf.subjectAltName, altName);
  });
}

/** A client's handshake in a tunnel to `api.test`. */
async function handshake(lab: Lab, { hostname, caPem }: { hostname: string; caPem: string }): Promise<void> {
  using client = await lab.connect();
  const login = btoa(`kz:${lab.login.password}`);
  await client.send(`CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
  await client.waitFor("\r\n\r\n");
  using tls = await Deno.startTls(client.conn as Deno.TcpConn, { hostname, caCerts: [caPem] });
  await tls.handshake();
}

Deno.test("TM-29 what a client is shown of a tunnel's certificate is signed by the run's CA", async () => {
  await using lab = await openLab();
  await using stranger = await openLab();
  await handshake(lab, { hostname: "api.test", caPem: lab.caPem });
  // The CA of another run does not verify it.
  await assert.rejects(handshake(lab, { hostname: "api.test", caPem: stranger.caPem }), /UnknownIssuer/);
});

Deno.test("TM-09 a blind run's certificate does not name a team server's proxy [S-6.4]", async () => {
  await using lab = await openLab();
  const caPem = lab.caPem;
  await assert.rejects(handshake(lab, { hostname: SERVER_PROXY_NAME, caPem }), /NotValidForName|not valid for name/);
});
