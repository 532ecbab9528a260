import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { parseHost } from "../../policy/host.ts";
import { closeQuietly } from "../close_quietly.ts";
import { CLOSE, openLab, readAll, utf8 } from "../testing/lab.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";
import { TlsTerminator } from "../tls/tls_terminator.ts";
import { writeAll } from "../write_all.ts";

const CREDENTIALS: readonly (readonly [why: string, line: (password: string) => string])[] = [
  ["none", () => ""],
  ["empty ones", () => "Proxy-Authorization:\r\n"],
  ["no password", () => `Proxy-Authorization: Basic ${btoa("kz:")}\r\n`],
  ["another user", (password) => `Proxy-Authorization: Basic ${btoa(`KZ:${password}`)}\r\n`],
  [
    "a password without its last digit",
    (password) => `Proxy-Authorization: Basic ${btoa(`kz:${password.slice(1)}`)}\r\n`,
  ],
  ["a password with one digit more", (password) => `Proxy-Authorization: Basic ${btoa(`kz:${password}0`)}\r\n`],
  ["a password in capitals", (password) => `Proxy-Authorization: Basic ${btoa(`kz:${password.toUpperCase()}`)}A=\r\n`],
  [
    "a password with one bit flipped",
    (password) => {
      const last = password.at(-1) === "0" ? "1" : "0";
      return `Proxy-Authorization: Basic ${btoa(`kz:${password.slice(0, -1)}${last}`)}\r\n`;
    },
  ],
  ["the right ones as Bearer", (password) => `Proxy-Authorization: Bearer ${btoa(`kz:${password}`)}\r\n`],
  ["the right ones in another header", (password) => `Authorization: Basic ${btoa(`kz:${password}`)}\r\n`],
  ["the right ones without base64", (password) => `Proxy-Authorization: Basic kz:${password}\r\n`],
];

for (const [why, line] of CREDENTIALS) {
  for (
    const start of [
      "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443",
      "GET http://api.test/ HTTP/1.1\r\nHost: api.test",
    ]
  ) {
    Deno.test(`TM-16 ${start.split(" ")[0]} with ${why} is answered 407`, async () => {
      await using lab = await openLab();
      const answer = await lab.raw(`${start}\r\n${line(lab.login.password)}${CLOSE}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 407 /);
      assert.match(answer, /^Proxy-Authenticate: Basic /m);
      assert.equal(lab.upstream.connections, 0);
    });
  }
}

Deno.test("TM-16 the password is new in each run", async () => {
  await using first = await openLab();
  await using second = await openLab();
  assert.match(first.login.password, /^[0-9a-f]{32}$/);
  assert.notEqual(first.login.password, second.login.password);
});

Deno.test("TM-16 the proxy listens on 127.0.0.1 only", async () => {
  await using lab = await openLab();
  const own = Object.values(networkInterfaces()).flat().map((address) => address!.address).filter((address) =>
    address !== "127.0.0.1"
  );
  for (const hostname of ["127.0.0.2", ...own]) {
    await assert.rejects(async () => closeQuietly(await Deno.connect({ hostname, port: lab.port })), hostname);
  }
});

Deno.test("TM-16 a stranger who connects to an interception listener is closed unserved", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  using terminator = new TlsTerminator(authority);
  const { outer, inner } = await terminator.terminate(parseHost("api.test"));
  const port = (outer.remoteAddr as Deno.NetAddr).port;
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  using stranger = await Deno.startTls(tcp, { hostname: "api.test", caCerts: [authority.certificatePem] });
  await stranger.handshake();
  await writeAll(stranger, utf8(`GET / HTTP/1.1\r\nHost: api.test\r\n\r\n`));
  const answer = await readAll(stranger);
  assert.equal(answer, "");
  closeQuietly(outer);
  closeQuietly(inner);
});

Deno.test("TM-16 a stranger is not taken for the client of another host that has the same port", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  using terminator = new TlsTerminator(authority);
  const first = await terminator.terminate(parseHost("evil.test"));
  const evilPort = (first.outer.remoteAddr as Deno.NetAddr).port;
  using stranger = await Deno.connect({ hostname: "127.0.0.1", port: evilPort });
  await new Promise((resolve) => setTimeout(resolve, 20));
  // The kernel may give one local port to connections that go to two listeners; here it is made to look so.
  const { connect } = Deno;
  Object.assign(Deno, {
    connect: async (options: Deno.ConnectOptions) => {
      const conn = await connect(options);
      Object.defineProperty(conn, "localAddr", { value: { ...conn.localAddr, port: stranger.localAddr.port } });
      return conn;
    },
  });
  const second = terminator.terminate(parseHost("api.test"));
  const outcome = await Promise.race([
    second.then(() => "taken"),
    new Promise((resolve) => setTimeout(resolve, 100, "not taken")),
  ]).finally(() => Object.assign(Deno, { connect }));
  assert.equal(outcome, "not taken");
  terminator[Symbol.dispose]();
  await assert.rejects(second);
  closeQuietly(first.outer);
  closeQuietly(first.inner);
});
