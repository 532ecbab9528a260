import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { parseHost } from "../../policy/host.ts";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { closeQuietly } from "../close_quietly.ts";
import { TlsTerminator } from "../tls/tls_terminator.ts";
import { serverAuthority } from "./server_authority.ts";
import { TokenSealer } from "./token_sealer.ts";

const KEY = crypto.getRandomValues(new Uint8Array(32));
const NOW = new Date(Date.UTC(2026, 0, 31, 23, 59));
const HOST = parseHost("api.test");
const DAY_MS = 24 * 60 * 60 * 1000;

const replica = (now = new Date()) => serverAuthority(KEY.slice(), { now });

Deno.test("serverAuthority() gives replicas of one key one authority: name, key and time [S-6.2]", async () => {
  const [a, b] = (await Promise.all([replica(NOW), replica(NOW)])).map((ca) => new X509Certificate(ca.certificatePem));
  assert.equal(a!.subject, b!.subject);
  assert.match(a!.subject, /^CN=KeyZero server [0-9a-f]{8}$/);
  assert.deepEqual(a!.publicKey.export({ format: "jwk" }), b!.publicKey.export({ format: "jwk" }));
  assert.deepEqual([a!.validFrom, a!.validTo], [b!.validFrom, b!.validTo]);
  // Two certificates of one authority are told apart by it (RFC 5280 §4.1.2.2).
  assert.notEqual(a!.serialNumber, b!.serialNumber);
  assert.ok(a!.ca && a!.verify(a!.publicKey) && a!.verify(b!.publicKey));
});

Deno.test("TM-09 serverAuthority() names the proxy in every leaf, below a domain that no public authority certifies [S-6.4]", async () => {
  assert.match(SERVER_PROXY_NAME, /\.invalid$/);
  const ca = await replica();
  const shown = new X509Certificate((await ca.issue(HOST)).certPem).subjectAltName;
  assert.equal(shown, `DNS:${HOST}, DNS:${SERVER_PROXY_NAME}`);
  const address = new X509Certificate((await ca.issue(parseHost("[::1]"))).certPem).subjectAltName;
  assert.equal(address, `IP Address:::1, DNS:${SERVER_PROXY_NAME}`);
});

Deno.test("TM-29 serverAuthority() of another key is another", async () => {
  const other = await serverAuthority(crypto.getRandomValues(new Uint8Array(32)), { now: NOW });
  const [a, b] = [await replica(NOW), other].map((ca) => new X509Certificate(ca.certificatePem));
  assert.notEqual(a!.subject, b!.subject);
  const leaf = new X509Certificate((await other.issue(HOST)).certPem);
  assert.ok(!leaf.verify(a!.publicKey) && leaf.verify(b!.publicKey));
});

Deno.test("TM-29 nothing that is printed of serverAuthority() holds a key, and none can be exported", async () => {
  const { importKey } = crypto.subtle;
  const made: string[] = [];
  Object.defineProperty(crypto.subtle, "importKey", {
    configurable: true,
    value: (...args: Parameters<typeof importKey>) => {
      if (args[4].some((usage) => usage !== "verify")) made.push(String(args[3]));
      return importKey.apply(crypto.subtle, args);
    },
  });
  try {
    const ca = await replica();
    const shown = Deno.inspect(ca, { depth: 9, showHidden: true }) + JSON.stringify(ca);
    assert.ok(!shown.includes("PRIVATE") && !shown.includes("CryptoKey"));
  } finally {
    Reflect.deleteProperty(crypto.subtle, "importKey");
  }
  assert.deepEqual(made, ["false", "false"]);
});

Deno.test("serverAuthority() and TokenSealer leave the server key as it is, and take 32 bytes only [S-6.2]", async () => {
  const key = KEY.slice();
  await Promise.all([serverAuthority(key, { now: NOW }), TokenSealer.create(key)]);
  assert.deepEqual(key, KEY);
  await assert.rejects(serverAuthority(new Uint8Array(31), { now: NOW }), RangeError);
});

Deno.test("serverAuthority() is valid for a year from any day of its month, its leaves for thirty days [S-6.2]", async () => {
  for (const now of [NOW, new Date(Date.UTC(2026, 1, 1)), new Date(Date.UTC(2026, 11, 31, 23, 59, 59))]) {
    const ca = await replica(now);
    const root = new X509Certificate(ca.certificatePem);
    assert.ok(now.getTime() - Date.parse(root.validFrom) >= 28 * DAY_MS);
    assert.ok(Date.parse(root.validTo) - now.getTime() >= 330 * DAY_MS);
    assert.ok(Date.parse(root.validTo) - now.getTime() <= 366 * DAY_MS);
    const later = new Date(now.getTime() + 300 * DAY_MS);
    const leaf = new X509Certificate((await ca.issue(HOST, { now: later })).certPem);
    assert.equal(Date.parse(leaf.validTo), Math.floor(later.getTime() / 1000) * 1000 + 30 * DAY_MS);
    assert.ok(Date.parse(leaf.validFrom) < later.getTime() && !leaf.ca);
  }
});

const OPENSSL = await has("openssl");

Deno.test({
  name: "serverAuthority(): openssl verifies a replica's leaf by another replica's certificate [S-6.2]",
  ignore: !OPENSSL,
  async fn() {
    // Replicas may have been started in different months.
    const [first, second, other] = await Promise.all([
      replica(new Date(Date.now() - 40 * DAY_MS)),
      replica(),
      serverAuthority(crypto.getRandomValues(new Uint8Array(32)), { now: new Date() }),
    ]);
    const dir = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${dir}/ca.pem`, first.certificatePem);
      for (const [ca, expected] of [[second, true], [other, false]] as const) {
        await Deno.writeTextFile(`${dir}/leaf.pem`, (await ca.issue(HOST, { now: new Date() })).certPem);
        const args = [
          "verify",
          "-x509_strict",
          "-verify_hostname",
          HOST,
          "-CAfile",
          `${dir}/ca.pem`,
          `${dir}/leaf.pem`,
        ];
        const { success, stderr } = await new Deno.Command("openssl", { args }).output();
        assert.equal(success, expected, new TextDecoder().decode(stderr));
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("serverAuthority(): a Deno client that trusts one replica accepts another's leaf [S-6.2]", async () => {
  const [first, second] = await Promise.all([replica(new Date(Date.now() - 40 * DAY_MS)), replica()]);
  using terminator = new TlsTerminator(second);
  const { outer, inner } = await terminator.terminate(HOST);
  const port = (outer.remoteAddr as Deno.NetAddr).port;
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  using client = await Deno.startTls(tcp, { hostname: HOST, caCerts: [first.certificatePem] });
  await client.handshake();
  closeQuietly(outer);
  closeQuietly(inner);
});

Deno.test("TlsTerminator makes a leaf again before it expires, so that a server may run for long [S-6.2]", async () => {
  using terminator = new TlsTerminator(await replica());
  const ports: number[] = [];
  const { now } = Date;
  try {
    for (const days of [0, 14, 16, 29, 32]) {
      Date.now = () => now() + days * DAY_MS;
      const { outer, inner } = await terminator.terminate(HOST);
      ports.push((outer.remoteAddr as Deno.NetAddr).port);
      closeQuietly(outer);
      closeQuietly(inner);
    }
  } finally {
    Date.now = now;
  }
  assert.equal(new Set(ports).size, 3);
  assert.equal(ports[0], ports[1]);
  assert.equal(ports[2], ports[3]);
});

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}
