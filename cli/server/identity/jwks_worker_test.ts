import assert from "node:assert/strict";
import { AppError } from "../../../policy/error.ts";
import { parseHost } from "../../../policy/host.ts";
import type { Issuer } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { parseJwksLocation } from "../../../proxy/jwks/jwks_client.ts";
import { MAX_JWKS_BYTES } from "../../../proxy/jwks/protocol.ts";
import { okay } from "../../../proxy/testing/lab.ts";
import { workerPermissions } from "../../permissions.ts";
import { JwtVerifier } from "./jwt_verifier.ts";
import { jwksNet } from "./jwks_permissions.ts";
import { JWKS, jwksIssuer, KEYS, NOW, staticIssuer, token } from "./testing/issuers.ts";
import { type JwksLabOptions, openJwksLab } from "./testing/jwks_lab.ts";

/** The worker asks once, and gives this up. */
const JWKS_TIMEOUT_MS = 5_000;

function isUnavailable(detail: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Denial, String(error));
    assert.equal(error.code, "ISSUER_UNAVAILABLE");
    assert.match(error.detail ?? "", detail);
    return true;
  };
}

/** A verifier behind the real worker and a real server. */
async function verifyBehind(options: Partial<JwksLabOptions>, issuer: Issuer = jwksIssuer()) {
  await using lab = await openJwksLab({ issuers: [issuer], respond: () => okay(JWKS), ...options });
  const verifier = new JwtVerifier([issuer], { fetchJwks: lab.fetch, now: () => NOW * 1000 });
  try {
    return await verifier.verify(await token());
  } catch (error) {
    if (options.trusted === false || options.certificateFor !== undefined) assert.equal(lab.host.received, "");
    throw error;
  }
}

Deno.test("JwksProcess asks the issuer's host for the keys, once, and a JWT is verified by them [S-2.2]", async () => {
  await using lab = await openJwksLab({ issuers: [jwksIssuer()], respond: () => okay(JWKS) });
  const verifier = new JwtVerifier([jwksIssuer()], { fetchJwks: lab.fetch, now: () => NOW * 1000 });
  const jwts = await Promise.all([1, 2, 3, 4].map((n) => token({ claims: { n } })));
  await Promise.all(jwts.map((jwt) => verifier.verify(jwt)));
  assert.deepEqual(lab.host.requests.map((request) => request.split("\r\n").slice(0, 2)), [
    ["GET /keys HTTP/1.1", "Host: issuer.test"],
  ]);
});

const dripping = async (_request: string, conn: Deno.Conn) => {
  const piece = new TextEncoder().encode("x");
  await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
  for (;;) {
    await conn.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const endless = async (_request: string, conn: Deno.Conn) => {
  await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
  for (;;) await conn.write(new Uint8Array(64 * 1024).fill(0x20));
};
const key = (index: number) => ({ ...KEYS.p256.publicJwk, kid: `k${index}` });
const keys = (count: number) => JSON.stringify({ keys: Array.from({ length: count }, (_, index) => key(index)) });

const HOSTILE: readonly (readonly [why: string, options: Partial<JwksLabOptions>, detail: RegExp])[] = [
  ["is endless", { respond: endless }, /body is too long/],
  ["is larger than the cap", { respond: () => okay(JWKS + " ".repeat(MAX_JWKS_BYTES)) }, /body is too long/],
  ["decodes to more than the cap", { respond: bomb }, /body is too long/],
  [
    "has 10,000 keys",
    { respond: () => okay(keys(1200).slice(0, -2) + `${",{}".repeat(8800)}]}`) },
    /more than 100 keys/,
  ],
  [
    "redirects",
    { respond: () => "HTTP/1.1 302 Found\r\nLocation: https://issuer.test/k\r\nContent-Length: 0\r\n\r\n" },
    /status 302/,
  ],
  ["is missing", { respond: () => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" }, /status 404/],
  ["is a page", { respond: () => okay("<!doctype html><p>Sign in") }, /not JSON/],
  ["is not UTF-8", { respond: () => okay("").replace("0\r\n\r\n", "1\r\n\r\n\xff") }, /not UTF-8/],
  ["has a name twice", { respond: () => okay(JWKS.replace("{", '{"keys":[],')) }, /not JSON with one meaning/],
  ["has no keys", { respond: () => okay("{}") }, /no list "keys"/],
  ["is a list", { respond: () => okay("[]") }, /no list "keys"/],
  ["has a key that is none", { respond: () => okay('{"keys":[1]}') }, /no list "keys"/],
  ["breaks HTTP", { respond: () => "hello\r\n\r\n" }, /breaks HTTP/],
  ["is cut off", { respond: () => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{" }, /cut off/],
  ["comes from a host with a certificate of another name", { certificateFor: "evil.test" }, /another name/],
  ["comes from a host with a certificate of nobody", { trusted: false }, /issuer is not trusted/],
];
for (const [why, options, detail] of HOSTILE) {
  Deno.test(`TM-33 a JWT is not verified by a key set that ${why} [S-2.2]`, async () => {
    await assert.rejects(verifyBehind(options), isUnavailable(detail));
  });
}

async function bomb(): Promise<string> {
  const stream = new Blob([" ".repeat(4 * MAX_JWKS_BYTES)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const body = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

Deno.test("TM-33 a JWT is not verified by a key set that comes too slowly [S-2.2]", async () => {
  const began = performance.now();
  await assert.rejects(verifyBehind({ respond: dripping }), isUnavailable(/in time/));
  const took = performance.now() - began;
  assert.ok(took >= JWKS_TIMEOUT_MS - 100 && took < JWKS_TIMEOUT_MS + 4_000, `${took}`);
});

Deno.test("a JWT is verified by a key set as large as the cap, and by one of 100 keys", async () => {
  const padded = JWKS + " ".repeat(MAX_JWKS_BYTES - JWKS.length);
  assert.equal((await verifyBehind({ respond: () => okay(padded) })).identity.issuer, "main");
  const hundred = keys(99).slice(0, -2) + `,${JSON.stringify({ ...KEYS.p256.publicJwk, kid: "p256" })}]}`;
  assert.equal((await verifyBehind({ respond: () => okay(hundred) })).identity.issuer, "main");
});

/** An issuer whose keys are at an address of this machine. */
function loopback(url: string, allowPrivate: boolean): Issuer {
  return jwksIssuer({ keys: { kind: "jwks", url, allowPrivate, algorithms: ["ES256"] } });
}

const PRIVATE: readonly (readonly [why: string, url: string])[] = [
  ["a loopback address", "https://127.0.0.1:8443/keys"],
  ["a loopback address of IPv6", "https://[::1]:8443/keys"],
  ["a name of this machine", "https://localhost:8443/keys"],
  ["a private address", "https://10.1.2.3/keys"],
  ["the metadata service", "https://169.254.169.254/keys"],
  ["a private address in decimal", "https://167838211/keys"],
  ["an address of IPv6 with another inside", "https://[::ffff:10.1.2.3]/keys"],
  ["the address of nothing", "https://0.0.0.0/keys"],
];
for (const [why, url] of PRIVATE) {
  Deno.test(`TM-33 TM-12 keys are not fetched from ${why} unless the bundle says so [S-2.3]`, async () => {
    const issuer = loopback(url, false);
    await using lab = await openJwksLab({ issuers: [issuer], respond: () => okay(JWKS), connect: false });
    const began = performance.now();
    await assert.rejects(lab.fetch(url), isUnavailable(/loopback, private or special address/));
    assert.ok(performance.now() - began < 2_000);
    assert.equal(lab.host.connections, 0);
  });
}

Deno.test("keys are fetched in clear text from this machine where the bundle says so [S-2.3]", async () => {
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const issuer = loopback(`http://127.0.0.1:${port}/keys`, true);
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, () => new Response(JWKS));
  await using lab = await openJwksLab({ issuers: [issuer], respond: () => "", connect: false });
  assert.equal(await lab.fetch(`http://127.0.0.1:${port}/keys`), JWKS);
  await server.shutdown();
});

Deno.test("TM-33 the JWKS worker asks for the key sets of its bundle alone [S-2.3]", async () => {
  await using lab = await openJwksLab({ issuers: [jwksIssuer()], respond: () => okay(JWKS) });
  await assert.rejects(lab.fetch("https://issuer.test/other"), isUnavailable(/no such key set/));
  assert.equal(lab.host.connections, 0);
});

const NETS:
  readonly (readonly [why: string, url: string, connect: readonly [string, string, number][], net: string[]])[] = [
    ["a name without its port, to look it up", "https://a.test:8443/k", [], ["a.test"]],
    ["an address with its port", "https://10.0.0.1/k", [], ["10.0.0.1:443"]],
    ["an address of IPv6 in brackets", "https://[2001:db8::1]:8443/k", [], ["[2001:db8::1]:8443"]],
    ["where the bundle leads the name", "https://a.test/k", [["a.test", "127.0.0.1", 9]], ["a.test", "127.0.0.1:9"]],
    ["nothing that the bundle leads other names to", "https://a.test/k", [["b.test", "127.0.0.1", 9]], ["a.test"]],
  ];
for (const [why, url, connect, net] of NETS) {
  Deno.test(`jwksNet() allows ${why} [S-2.3]`, () => {
    const network = {
      connect: new Map(connect.map(([host, hostname, port]) => [parseHost(host), { hostname, port }])),
    };
    assert.deepEqual(jwksNet([loopback(url, false)], network), net);
  });
}

Deno.test("jwksNet() allows nothing where no issuer publishes its keys", () => {
  assert.deepEqual(jwksNet([staticIssuer([])], { connect: new Map() }), []);
});

const URLS: readonly (readonly [why: string, url: string, allowPrivate: boolean])[] = [
  ["clear text", "http://issuer.test/keys", false],
  ["clear text to a name, private or not", "http://issuer.test/keys", true],
  ["clear text to the name of this machine, which may be another's", "http://localhost/keys", true],
  ["clear text to a private address", "http://10.0.0.1/keys", true],
  ["clear text to this machine without the bundle's word", "http://127.0.0.1/keys", false],
  ["user information", "https://user:canary@issuer.test/keys", false],
  ["an empty user", "https://@issuer.test/keys", false],
  ["a fragment", "https://issuer.test/keys#canary", false],
  ["a backslash", "https://issuer.test\\keys", false],
  ["white space", " https://issuer.test/keys", false],
  ["another scheme", "file:///etc/canary", false],
  ["no scheme", "issuer.test/canary", false],
];
for (const [why, url, allowPrivate] of URLS) {
  Deno.test(`parseJwksLocation() refuses ${why}`, () => {
    assert.throws(() => parseJwksLocation({ url, allowPrivate }), (error) => {
      assert.ok(error instanceof AppError && error.code === "BUNDLE_ISSUER_INVALID");
      assert.ok(!error.message.includes("canary"));
      return true;
    });
  });
}

Deno.test("the JWKS worker has the permission to reach its hosts and no other [S-2.3]", async () => {
  const worker = new Worker(new URL("../../resolve/testing/permission_probe.ts", import.meta.url), {
    type: "module",
    deno: { permissions: workerPermissions("server-jwks", { net: jwksNet([jwksIssuer()], { connect: new Map() }) }) },
  });
  const asked: Deno.PermissionDescriptor[] = [
    { name: "net", host: "issuer.test" },
    { name: "net", host: "other.test" },
    { name: "net", host: "127.0.0.1" },
    { name: "net" },
    { name: "read" },
    { name: "write" },
    { name: "env" },
    { name: "run" },
    { name: "sys" },
    { name: "ffi" },
  ];
  const states = await new Promise<readonly string[]>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<readonly string[]>) => resolve(data);
    worker.postMessage(asked);
  });
  worker.terminate();
  assert.deepEqual(states.map((state) => state === "granted"), asked.map((_, index) => index === 0));
});
