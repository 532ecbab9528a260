import assert from "node:assert/strict";
import { parseConnectionRule } from "../../policy/connection_rule.ts";
import { parseHost } from "../../policy/host.ts";
import { workerPermissions } from "../permissions.ts";
import { proxyNet } from "./proxy_permissions.ts";

/** The part of the settings that decides. */
function netFor(hosts: readonly string[], connect: Readonly<Record<string, string>> = {}): true | string[] {
  const connections = hosts.map((host, at) =>
    parseConnectionRule({ allow: !host.startsWith("!"), host: host.replace("!", "") }, at + 1)
  );
  const instead = Object.entries(connect).map(([host, hostname]) => [parseHost(host), { hostname, port: 1 }] as const);
  return proxyNet({ connections, connect: new Map(instead) });
}

const TABLE: readonly (readonly [why: string, net: true | string[], expected: true | string[]])[] = [
  ["names and suffixes", netFor(["api.test", "*.b.test"]), ["127.0.0.1", "api.test", "*.b.test"]],
  ["no host that is denied", netFor(["!c.test", "api.test"]), ["127.0.0.1", "api.test"]],
  ["the addresses of connect", netFor(["api.test"], { "api.test": "10.1.2.3" }), ["127.0.0.1", "api.test", "10.1.2.3"]],
  ["every host for a rule that names none", netFor(["api.test", "*"]), true],
  ["every host for an expression", netFor(["/api/"]), true],
  ["nothing but loopback for denials alone", netFor(["!*"]), ["127.0.0.1"]],
];

for (const [why, net, expected] of TABLE) {
  Deno.test(`TM-12 proxyNet() gives ${why}`, () => assert.deepEqual(net, expected));
}

// Deno takes "*.b.test" for "b.test" too, and the v4-mapped form of an address for the address: there our matching is alone.
Deno.test("TM-12 a proxy worker with exact rules reaches no other address, even where matching fails", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using other = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  const worker = new Worker(new URL("./testdata/boundary_probe.ts", import.meta.url), {
    type: "module",
    deno: { permissions: workerPermissions("proxy", { net: netFor(["api.test", "*.b.test"]) }) },
  });
  const { port } = listener.addr;
  const asked: readonly (readonly [hostname: string, port: number])[] = [
    ["127.0.0.1", port],
    ["127.0.0.2", other.addr.port],
    ["localhost", port],
    ["::1", port],
    ["0.0.0.0", port],
    ["10.0.0.1", 443],
    ["169.254.169.254", 80],
    ["other.test", 443],
    ["api.test.evil.test", 443],
    ["xapi.test", 443],
  ];
  try {
    worker.postMessage(asked);
    const outcomes = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(event.error ?? new Error(event.message));
    });
    assert.ok(Array.isArray(outcomes) && outcomes.length === asked.length);
    assert.equal(outcomes[0], "reached reached");
    // A name that may not be looked up is said to have no address.
    for (const [at, outcome] of outcomes.slice(1).entries()) {
      assert.match(
        String(outcome),
        /^NotCapable (?:POLICY_HOST_DENIED|PROXY_UPSTREAM_UNREACHABLE)$/,
        asked[at + 1]![0],
      );
    }
  } finally {
    worker.terminate();
  }
});
