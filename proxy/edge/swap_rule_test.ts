import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { swapRule } from "./swap_rule.ts";
import { type LabResource, labResource } from "./testing/edge_lab.ts";

const ACCESS = { host: parseHost("a.local.test"), port: 443, method: "GET", path: "/repos/x" };

const RULES: readonly (readonly [
  why: string,
  resources: readonly LabResource[],
  expected: { named: boolean; looks: boolean; looksWithoutToken: boolean },
])[] = [
  ["a host by its name", [{ hosts: ["a.local.test"] }], { named: true, looks: false, looksWithoutToken: false }],
  ["a wildcard", [{ hosts: ["*.local.test"] }], { named: false, looks: false, looksWithoutToken: false }],
  ["a wildcard, and the name at another port", [{ hosts: ["*.local.test", "a.local.test:8443"] }], {
    ...{ named: false, looks: false, looksWithoutToken: false },
  }],
  ["a path prefix", [{ hosts: ["a.local.test/repos"] }], { named: true, looks: true, looksWithoutToken: true }],
  ["methods", [{ hosts: ["*.local.test"], methods: ["GET"] }], { named: false, looks: true, looksWithoutToken: true }],
  ["two resources", [{ hosts: ["*.local.test"], paths: ["/repos/*"] }, { hosts: ["a.local.test"] }], {
    ...{ named: true, looks: true, looksWithoutToken: false },
  }],
];

for (const [why, resources, expected] of RULES) {
  Deno.test(`TM-12 TM-14 swapRule() of ${why} names the host, and looks at requests, as the resources do [S-6.2]`, () => {
    const made = resources.map(labResource);
    const rule = swapRule(ACCESS, { resources: made, all: true });
    const open = swapRule(ACCESS, { resources: made, all: false });
    assert.deepEqual(
      {
        named: rule.host.kind === "exact",
        looks: rule.methods !== undefined,
        looksWithoutToken: open.methods !== undefined,
      },
      expected,
    );
    assert.equal(rule.port, 443);
  });
}
