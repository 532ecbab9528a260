import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import type { ProxyListen } from "../../proxy/edge/protocol.ts";
import { labResource } from "../../proxy/edge/testing/fetch_lab.ts";
import { workerPermissions } from "../permissions.ts";
import { edgeNet } from "./edge_permissions.ts";

function netFor(
  hosts: readonly (readonly string[])[],
  more: { connect?: Readonly<Record<string, string>>; proxy?: ProxyListen } = {},
): string[] {
  const connect = Object.entries(more.connect ?? {}).map(([host, hostname]) =>
    [parseHost(host), { hostname, port: 8443 }] as const
  );
  return edgeNet({
    resources: hosts.map((hosts) => labResource({ hosts })),
    network: { connect: new Map(connect), upstreamCa: [] },
    proxy: more.proxy,
  });
}

const TABLE: readonly (readonly [why: string, net: string[], expected: string[]])[] = [
  ["the hosts of all resources, once", netFor([["a.test", "b.test:8443"], ["b.test/x"]]), ["a.test", "b.test"]],
  ["suffixes", netFor([["*.b.test"]]), ["*.b.test"]],
  ["addresses", netFor([["10.0.0.1", "[::1]"]]), ["10.0.0.1", "[::1]"]],
  ["nothing for resources without hosts", netFor([[], []]), []],
  ["nothing without resources", netFor([]), []],
  [
    "what is dialled instead",
    netFor([["a.test"]], { connect: { "a.test": "10.1.2.3", "b.test": "::1" } }),
    ["a.test", "10.1.2.3", "[::1]"],
  ],
  [
    "the proxy's address and its own listeners",
    netFor([["a.test"]], { proxy: { hostname: "0.0.0.0", port: 3128 } }),
    ["a.test", "127.0.0.1", "0.0.0.0:3128"],
  ],
  ["a proxy on IPv6", netFor([], { proxy: { hostname: "::", port: 3128 } }), ["127.0.0.1", "[::]:3128"]],
];
for (const [why, net, expected] of TABLE) {
  Deno.test(`TM-12 edgeNet() gives ${why}`, () => assert.deepEqual(net, expected));
}

/** Asks a worker that has the very permissions of the edge. */
async function ask<T>(url: URL, net: readonly string[], question: T): Promise<unknown[]> {
  const worker = new Worker(url, {
    type: "module",
    deno: { permissions: workerPermissions("server-edge", { net }) },
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(event.error ?? new Error(event.message));
      worker.postMessage(question);
    });
  } finally {
    worker.terminate();
  }
}

const GRANTED: readonly Deno.PermissionDescriptor[] = [
  { name: "net", host: "api.test:443" },
  { name: "net", host: "a.wild.test:8443" },
  { name: "net", host: "10.1.2.3:8443" },
];
const DENIED: readonly Deno.PermissionDescriptor[] = [
  { name: "net" },
  { name: "net", host: "evil.test:443" },
  { name: "net", host: "api.test.evil.test:443" },
  { name: "net", host: "127.0.0.1:443" },
  { name: "net", host: "localhost" },
  { name: "net", host: "169.254.169.254" },
  { name: "read" },
  { name: "read", path: "/etc/passwd" },
  { name: "write" },
  { name: "env" },
  { name: "env", variable: "PATH" },
  { name: "run" },
  { name: "run", command: "sh" },
  { name: "sys" },
  { name: "ffi" },
];
Deno.test("edge permissions inside the worker are the resources' hosts and nothing else [S-5.5]", async () => {
  const net = netFor([["api.test", "*.wild.test"]], { connect: { "api.test": "10.1.2.3" } });
  const probe = new URL("../resolve/testing/permission_probe.ts", import.meta.url);
  const asked = [...GRANTED, ...DENIED];
  const states = await ask(probe, net, asked);
  assert.deepEqual(
    asked.map((descriptor, at) => [descriptor, states[at] === "granted"]),
    asked.map((descriptor, at) => [descriptor, at < GRANTED.length]),
  );
});

Deno.test("edge permissions of a server without hosts and proxy have no network", async () => {
  const probe = new URL("../resolve/testing/permission_probe.ts", import.meta.url);
  const asked: Deno.PermissionDescriptor[] = [{ name: "net" }, { name: "net", host: "127.0.0.1:1" }];
  for (const state of await ask(probe, netFor([[]]), asked)) assert.notEqual(state, "granted");
});

Deno.test("TM-12 an edge worker reaches no other address, even where matching fails", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using other = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  const probe = new URL("../blind/testdata/boundary_probe.ts", import.meta.url);
  const asked: readonly (readonly [hostname: string, port: number])[] = [
    ["127.0.0.1", listener.addr.port],
    ["127.0.0.2", other.addr.port],
    ["localhost", listener.addr.port],
    ["::1", listener.addr.port],
    ["10.0.0.1", 443],
    ["169.254.169.254", 80],
    ["evil.test", 443],
    ["api.test.evil.test", 443],
  ];
  const outcomes = await ask(probe, netFor([["api.test", "127.0.0.2"]]), asked);
  assert.equal(outcomes.length, asked.length);
  for (const [at, outcome] of outcomes.entries()) {
    const expected = at === 1 ? /^reached reached$/ : /^NotCapable (?:POLICY_HOST_DENIED|PROXY_UPSTREAM_UNREACHABLE)$/;
    assert.match(String(outcome), expected, asked[at]![0]);
  }
});
