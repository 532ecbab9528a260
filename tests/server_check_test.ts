import assert from "node:assert/strict";
import { makeProject } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

/** Stands where people put values by mistake; no output may hold it. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";

const GOOD = `version: "1"
issuers:
  - name: ci
    type: github-actions
    issuer_url: https://token.actions.githubusercontent.com
    audience: keyzero
    jwks_url: https://token.actions.githubusercontent.com/.well-known/jwks
  - name: internal
    type: custom
    issuer_url: https://auth.internal
    audience: keyzero
    map: { service: claims.service_name }
    static_keys: [{ kid: k1, alg: HS256, secret_file: hs.key }]
policies:
  - name: main-reads-github
    effect: allow
    rule: issuer == "ci" && org == "acme" && branch == "refs/heads/main" && ref == "github/pat"
resources:
  - ref: github/pat
    resolver: gh
    hosts: [api.github.com]
  - ref: team/*
    resolver: gh
    hosts: [api.example.com]
backends:
  gh: { type: keychain }
`;
const DOUBTFUL = GOOD.replace("audience: keyzero", "audience: null")
  .replace("    hosts: [api.github.com]\n", "")
  .replace("backends:", "  - { ref: team/**, resolver: gh, hosts: [api.example.com] }\nbackends:");
const BAD = `version: 1
${CANARY}: true
issuers:
  - name: ci
    type: github
    issuer_url: https://user:${CANARY}@example.com
    jwks_url: http://169.254.169.254/jwks
    static_keys: [{ alg: HS256, pem: "${CANARY}" }]
policies:
  - { name: a, effect: permit, rule: service == "agent" }
  - { name: a, effect: allow, rule: service == "agent" }
resources:
  - ref: github/../pat
    resolver: hg
    secret: "{reff}/${CANARY}"
    ttl: 1 day
    hosts: [https://${CANARY}, "*.co.uk"]
backends:
  gh: { type: keychian }
network: { upstream_ca: ${CANARY}.pem }
`;

interface Case {
  readonly args: readonly string[];
  /** Text of `bundle.yaml`; null: there is none. */
  readonly text?: string | null;
}

const CASES: Record<string, Case> = {
  "a good bundle": { args: [] },
  "a good bundle --json": { args: ["--json"] },
  "a good bundle --strict": { args: ["--strict"] },
  "a doubtful bundle": { args: [], text: DOUBTFUL },
  "a doubtful bundle --strict": { args: ["--strict"], text: DOUBTFUL },
  "a doubtful bundle --json": { args: ["--json"], text: DOUBTFUL },
  "a bad bundle": { args: [], text: BAD },
  "a bad bundle --json": { args: ["--json"], text: BAD },
  "a text that is no YAML": { args: [], text: `version: "${CANARY}\n` },
  "no bundle": { args: [], text: null },
};

for (const [name, { args, text = GOOD }] of Object.entries(CASES)) {
  Deno.test(`kz server check: ${name} [S-1.4]`, async (t) => {
    const files = { "hs.key": `${"s".repeat(32)}\n`, ...(text === null ? {} : { "bundle.yaml": text }) };
    await using project = await makeProject({ files });
    const { status, stdout, stderr } = await project.kz(["server", "check", "--bundle", "bundle.yaml", ...args]);
    const clean = (output: string) => withoutDeno(output).replaceAll(project.dir, "<project>");
    assert.ok(!`${stdout}${stderr}`.includes(CANARY), `${stdout}${stderr}`);
    await t.assertSnapshot(`status ${status}\n--- stdout\n${clean(stdout)}--- stderr\n${clean(stderr)}`);
  });
}

Deno.test("kz server check asks for --bundle", async (t) => {
  await using project = await makeProject();
  const { status, stdout, stderr } = await project.kz(["server", "check"]);
  assert.equal(stdout, "");
  await t.assertSnapshot(`status ${status}\n${withoutDeno(stderr)}`);
});

Deno.test("kz server check names a bundle elsewhere by its path", async () => {
  await using project = await makeProject({ files: { "conf/bundle.yaml": GOOD, "conf/hs.key": "s".repeat(32) } });
  const { status, stdout } = await project.kz(["server", "check", "--bundle", `${project.dir}/conf/bundle.yaml`]);
  assert.equal(stdout, "Valid: conf/bundle.yaml: 2 issuers, 1 policy, 2 resources, 1 backend\n");
  assert.equal(status, 0);
});
