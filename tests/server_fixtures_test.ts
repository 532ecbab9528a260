import assert from "node:assert/strict";
import { makeProject } from "./support/project.ts";

const BUNDLE = `version: "1"
issuers:
  - name: internal
    type: custom
    issuer_url: https://auth.internal
    audience: keyzero
    jwks_url: https://auth.internal/jwks
    map: { service: claims.service_name, env: claims.environment }
policies:
  - name: no-deletes
    effect: deny
    rule: has(request.method) && request.method == "DELETE"
  - name: careful
    effect: allow
    rule: env == "staging" && claims.approved
  - name: agent-reads-github
    effect: allow
    rule: service == "agent" && glob("github/**", ref)
resources:
  - ref: github/pat
    resolver: gh
    secret: GITHUB_PAT
    hosts: [api.github.com]
    methods: [GET]
backends:
  gh: { type: env }
`;

/** Each is decided as it expects. */
const FIXTURES = `- name: agent reads
  identity: { issuer: internal, service: agent }
  ref: github/pat
  expect: { effect: allow, policy: agent-reads-github }
- name: another does not
  identity: { issuer: internal, service: other, claims: { n: 3 } }
  ref: github/pat
  expect: { effect: deny, policy: default-deny }
- name: agent fetches
  identity: { issuer: internal, service: agent }
  ref: github/pat
  request: { host: api.github.com, method: GET, path: /repos }
  expect: { effect: allow }
- name: agent deletes
  identity: { issuer: internal, service: agent }
  ref: github/pat
  request: { host: api.github.com, method: DELETE, path: /repos/x }
  expect: { effect: deny, policy: no-deletes }
`;

Deno.test("kz server test ends with 0 where every fixture is decided as recorded [S-3.13]", async () => {
  await using project = await makeProject({ files: { "bundle.yaml": BUNDLE, "fixtures.yaml": FIXTURES } });
  const { status, stdout, stderr } = await project.kz(["server", "test", "fixtures.yaml", "--bundle", "bundle.yaml"]);
  assert.equal(stderr, "");
  assert.equal(stdout, "4 fixtures: 4 the same, 0 different\n");
  assert.equal(status, 0);
});

const OTHERS = `- name: agent writes
  identity: { issuer: internal, service: agent }
  ref: github/pat
  request: { host: api.github.com, method: POST, path: /repos }
  expect: { effect: allow }
- name: agent reads elsewhere
  identity: { issuer: internal, service: agent }
  ref: github/other
  expect: { effect: allow }
- name: of another issuer
  identity: { issuer: gone, service: agent }
  ref: github/pat
  expect: { effect: allow, policy: agent-reads-github }
- name: staging
  identity: { issuer: internal, service: agent, env: staging }
  ref: github/pat
  expect: { effect: deny, policy: default-deny }
- name: by another policy
  identity: { issuer: internal, service: agent }
  ref: github/pat
  expect: { effect: allow, policy: careful }
`;

Deno.test("kz server test prints what is decided otherwise, like a difference, and ends with 4 [S-3.13]", async () => {
  await using project = await makeProject({ files: { "bundle.yaml": BUNDLE, "fixtures.yaml": FIXTURES + OTHERS } });
  const args = ["server", "test", "fixtures.yaml", "--bundle", "bundle.yaml"];
  const { status, stdout, stderr } = await project.kz(args);
  assert.equal(
    stdout,
    `agent writes
  - allow
  + deny by agent-reads-github: allowed, but the resource may not be used with this host, method or path
agent reads elsewhere
  - allow
  + deny by agent-reads-github: allowed, but no resource of the bundle fits the ref
of another issuer
  - allow by agent-reads-github
  + deny by default-deny: the bundle has no such issuer
staging
  - deny by default-deny
  + deny by careful: its rule failed
by another policy
  - allow by careful
  + allow by agent-reads-github
9 fixtures: 4 the same, 5 different
`,
  );
  assert.match(stderr, /^error\[BUNDLE_FIXTURES_DIFFER\]: Cannot pass the bundle: 5 of 9 fixtures differ\n\nhint: /);
  assert.equal(status, 4);

  const json = await project.kz([...args, "--json"]);
  const { same, fixtures } = JSON.parse(json.stdout);
  assert.equal(same, false);
  assert.equal(json.status, 4);
  assert.deepEqual(fixtures[7], {
    name: "staging",
    same: false,
    expected: { effect: "deny", policy: "default-deny" },
    now: { effect: "deny", policy: "careful", why: "error" },
  });
});

const BAD: readonly [why: string, files: Record<string, string>, args: string[], status: number, stderr: RegExp][] = [
  [
    "fixtures that are not there",
    { "bundle.yaml": BUNDLE },
    ["f.yaml", "--bundle", "bundle.yaml"],
    3,
    /error\[CONFIG_NOT_FOUND\]: Cannot read f\.yaml/,
  ],
  [
    "a bundle that is not there",
    { "f.yaml": FIXTURES },
    ["f.yaml", "--bundle", "bundle.yaml"],
    3,
    /error\[CONFIG_NOT_FOUND\]: Cannot read bundle\.yaml/,
  ],
  [
    "fixtures that are not valid",
    { "bundle.yaml": BUNDLE, "f.yaml": "- name: a" },
    ["f.yaml", "--bundle", "bundle.yaml"],
    3,
    /error\[CONFIG_KEY_MISSING\]: Cannot read f\.yaml:1/,
  ],
  [
    "a rule that is not valid",
    { "bundle.yaml": BUNDLE.replace("env ==", "environment =="), "f.yaml": FIXTURES },
    ["f.yaml", "--bundle", "bundle.yaml"],
    3,
    /error\[BUNDLE_RULE_INVALID\]: /,
  ],
  ["no bundle", { "f.yaml": FIXTURES }, ["f.yaml"], 2, /error\[USAGE_INVALID\]: .*--bundle is missing/],
  [
    "no fixtures",
    { "bundle.yaml": BUNDLE },
    ["--bundle", "bundle.yaml"],
    2,
    /error\[USAGE_INVALID\]: .*an argument is missing/,
  ],
];
for (const [why, files, args, status, stderr] of BAD) {
  Deno.test(`kz server test ends with ${status} for ${why} [S-3.13]`, async () => {
    await using project = await makeProject({ files });
    const result = await project.kz(["server", "test", ...args]);
    assert.match(result.stderr, stderr);
    assert.equal(result.stdout, "");
    assert.equal(result.status, status);
  });
}
