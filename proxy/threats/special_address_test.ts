import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { Refusal } from "../refusal.ts";
import { eachCase } from "../testing/each_case.ts";
import { CLOSE, type Lab, type LabOptions, openLab } from "../testing/lab.ts";
import { dial } from "../upstream/dial.ts";

/** One request in clear text to the port of the lab's upstream, which listens on 127.0.0.1. */
function ask(lab: Lab, host: string): Promise<string> {
  const authority = `${host}:${lab.upstream.port}`;
  const login = btoa(`kz:${lab.login.password}`);
  return lab.raw(
    `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${login}\r\n${CLOSE}\r\n`,
  );
}

const SPECIAL: readonly (readonly [why: string, host: string])[] = [
  ["loopback", "127.0.0.1"],
  ["loopback in short", "127.1"],
  ["loopback in decimal", "2130706433"],
  ["loopback in octal", "0177.0.0.1"],
  ["loopback in octal with zeros", "0000000177.0.0.01"],
  ["loopback in hexadecimal", "0x7f000001"],
  ["loopback in mixed bases", "0x7f.1"],
  ["loopback with a dot", "127.0.0.1."],
  ["the last of loopback", "127.255.255.254"],
  ["loopback by name", "localhost"],
  ["loopback by name in capitals", "LOCALHOST"],
  ["loopback by name with a dot", "localhost."],
  ["IPv6 loopback", "[::1]"],
  ["IPv6 loopback in full", "[0:0:0:0:0:0:0:1]"],
  ["v4-mapped loopback", "[::ffff:127.0.0.1]"],
  ["v4-mapped loopback in hexadecimal", "[::ffff:7f00:1]"],
  ["v4-compatible loopback", "[::127.0.0.1]"],
  ["this host", "0.0.0.0"],
  ["this host in short", "0"],
  ["this network", "0.1.2.3"],
  ["unspecified IPv6", "[::]"],
  ["private 10/8", "10.0.0.1"],
  ["private 10/8 in decimal", "167772161"],
  ["private 172.16/12", "172.16.0.1"],
  ["private 192.168/16", "192.168.0.1"],
  ["metadata", "169.254.169.254"],
  ["metadata in decimal", "2852039166"],
  ["metadata in hexadecimal", "0xa9fea9fe"],
  ["metadata, v4-mapped", "[::ffff:169.254.169.254]"],
  ["metadata over IPv6", "[fd00:ec2::254]"],
  ["link-local IPv6", "[fe80::1]"],
  ["unique local IPv6", "[fc00::1]"],
  ["carrier-grade NAT", "100.64.0.1"],
  ["benchmarking", "198.18.0.1"],
  ["multicast", "224.0.0.1"],
  ["IPv6 multicast", "[ff02::1]"],
  ["broadcast", "255.255.255.255"],
  ["NAT64 loopback", "[64:ff9b::7f00:1]"],
  ["NAT64 metadata", "[64:ff9b::169.254.169.254]"],
  ["6to4 loopback", "[2002:7f00:1::]"],
  ["Teredo", "[2001:0:7f00:1::]"],
  ["documentation", "[2001:db8::1]"],
  ["IPv6 that nobody was given", "[4000::1]"],
];

const UNNAMED: readonly (readonly [why: string, rules: LabOptions["rules"]])[] = [
  ["no rules", undefined],
  ["a rule for every host", [{ allow: true, host: "*" }]],
  ["a rule by expression", [{ allow: true, host: "/.*/" }]],
];

for (const [why, rules] of UNNAMED) {
  Deno.test(`TM-12 special addresses are refused in every spelling with ${why}`, async () => {
    await using lab = await openLab({ clear: true, ...(rules === undefined ? {} : { rules }) });
    await eachCase(SPECIAL, async ([, host]) => {
      assert.match(await ask(lab, host), /^HTTP\/1\.1 403 [^]*"POLICY_ADDRESS_DENIED"/);
    });
    assert.equal(lab.upstream.connections, 0);
  });
}

Deno.test("TM-12 special addresses are refused inside a tunnel, where the request is seen", async () => {
  await using lab = await openLab();
  for (const host of ["127.0.0.1", "169.254.169.254", "10.0.0.1", "localhost"]) {
    using client = await lab.client(`${host}:443`);
    await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${lab.token}\r\n\r\n`);
    const { status, body } = await client.response();
    assert.equal(status, 403, host);
    assert.match(body, /"POLICY_ADDRESS_DENIED"/);
  }
});

for (const host of ["[fe80::1%25lo]", "[fe80::1%lo]", "[::1%1]", "127.0.0.1%lo"]) {
  Deno.test(`TM-12 a zone id, as in ${host}, is refused before anything is decided`, async () => {
    await using lab = await openLab({ clear: true });
    assert.match(await ask(lab, host), /^HTTP\/1\.1 400 /);
    assert.equal(lab.upstream.connections, 0);
  });
}

const NAMED: readonly (readonly [why: string, rule: string, host: string, status: number])[] = [
  ["the name that a rule names", "localhost", "localhost", 200],
  ["the same in another spelling", "localhost", "LOCALHOST.", 200],
  ["the address that a rule names", "127.0.0.1", "127.0.0.1", 200],
  ["the same in decimal", "127.0.0.1", "2130706433", 200],
  ["a name for the address that a rule names", "127.0.0.1", "localhost", 403],
  ["the address of the name that a rule names", "localhost", "127.0.0.1", 403],
  ["the v4-mapped form of the address that a rule names", "127.0.0.1", "[::ffff:127.0.0.1]", 403],
  ["the neighbour of the address that a rule names", "127.0.0.1", "127.0.0.2", 403],
];

for (const [why, rule, host, status] of NAMED) {
  Deno.test(`TM-12 ${why} is answered ${status}`, async () => {
    await using lab = await openLab({ clear: true, rules: [{ allow: true, host: rule }] });
    const answer = await ask(lab, host);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.equal(lab.upstream.connections, status === 200 ? 1 : 0);
  });
}

for (const anyAddress of [true, false]) {
  Deno.test(`TM-12 dial() looks at the addresses of a name ${anyAddress ? "and dials them" : "that it dials itself"}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const settings = { connect: new Map(), upstreamCa: [], anyAddress };
    const target = { host: parseHost("localhost"), port };
    await assert.rejects(
      dial({ ...target, named: false }, settings),
      (error) => error instanceof Refusal && error.code === "POLICY_ADDRESS_DENIED",
    );
    const { conn, loopback } = await dial({ ...target, named: true }, settings);
    conn.close();
    assert.ok(loopback);
  });
}
