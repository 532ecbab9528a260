import assert from "node:assert/strict";
import { join } from "node:path";
import type { ErrorCode } from "../../policy/error.ts";
import { parseHostGrant } from "../../policy/host_pattern.ts";
import { parsePlacement } from "../../policy/placement.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { parseTokenShape } from "../../policy/token_shape.ts";
import { loadConfig } from "./load.ts";
import type { ProvidedSecret } from "./model.ts";
import { problemsOf } from "./testdata/check_text.ts";

/** Stands where a value could have been pasted by mistake. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";

async function load(toml: string, environment?: string): Promise<ReadonlyMap<string, ProvidedSecret>> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(join(root, ".keyzero.toml"), toml);
    const around = { cwd: root, getEnv: (name: string) => name === "XDG_CONFIG_HOME" ? root : undefined };
    const { secrets } = await loadConfig(around, environment);
    return new Map([...secrets].flatMap(([name, secret]) => secret.kind === "provided" ? [[name, secret]] : []));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const SECRET = 'provider = "env", ref = "X"';
type Resolved = { hosts?: string[]; in: string[]; shape?: string };

const TABLE: readonly [why: string, fields: string, expected: Resolved][] = [
  ["nothing where no service is named", "", { in: ["header"] }],
  ["hosts and in", 'service = "anthropic"', { hosts: ["api.anthropic.com"], in: ["header:x-api-key"] }],
  ["a shape too", 'service = "wandb"', { hosts: ["api.wandb.ai"], in: ["header:authorization"], shape: "{hex:40}" }],
  ["what is written over the service's hosts", 'service = "anthropic", hosts = ["a.example"]', {
    hosts: ["a.example"],
    in: ["header:x-api-key"],
  }],
  ["no host where the list is empty", 'service = "anthropic", hosts = []', { hosts: [], in: ["header:x-api-key"] }],
  ["what is written over the service's in", 'service = "anthropic", in = "header:authorization"', {
    hosts: ["api.anthropic.com"],
    in: ["header:authorization"],
  }],
  ["what is written over the service's shape", 'service = "stripe", shape = "stripe-test"', {
    hosts: ["api.stripe.com", "files.stripe.com"],
    in: ["header:authorization"],
    shape: "stripe-test",
  }],
  ["the hosts of a customer", 'service = "shopify", hosts = ["acme.myshopify.com"]', {
    hosts: ["acme.myshopify.com"],
    in: ["header:x-shopify-access-token"],
  }],
  ["a shape without a service", 'shape = "jwt"', { in: ["header"], shape: "jwt" }],
];
for (const [why, fields, expected] of TABLE) {
  Deno.test(`loadConfig() gives a secret ${why}`, async () => {
    const secret = (await load(`[secrets]\nA = { ${[SECRET, fields].filter(Boolean).join(", ")} }`)).get("A")!;
    assert.deepEqual(secret.hosts, expected.hosts?.map(parseHostGrant));
    assert.deepEqual(secret.in, expected.in.map(parsePlacement));
    assert.deepEqual(secret.shape, expected.shape === undefined ? undefined : parseTokenShape(expected.shape));
  });
}

Deno.test("loadConfig() keeps a service and what is written beside it when an environment overrides the rest", async () => {
  const toml = `[secrets]
A = { ${SECRET}, service = "github" }
B = { ${SECRET}, service = "github", hosts = ["api.github.com"] }
C = { ${SECRET}, hosts = ["a.example"] }
[production.secrets]
A = { ref = "PROD" }
B = { service = "gitlab" }
C = { service = "gitlab", shape = "gitlab" }
`;
  const secrets = await load(toml, "production");
  const hosts = (name: string) => secrets.get(parseSecretName(name))?.hosts;
  assert.equal(secrets.get("A")?.ref, "PROD");
  assert.deepEqual(hosts("A")?.length, 3);
  // What is written stays, so that a service in an environment cannot widen where a secret may go.
  assert.deepEqual(hosts("B"), [parseHostGrant("api.github.com")]);
  assert.deepEqual(hosts("C"), [parseHostGrant("a.example")]);
  assert.deepEqual(secrets.get("B")?.in, ["header:private-token", "header:authorization"].map(parsePlacement));
  assert.deepEqual(secrets.get("C")?.shape, parseTokenShape("gitlab"));
});

const REFUSED: readonly [why: string, fields: string, code: ErrorCode, message: string, hint: string][] = [
  [
    "a misspelt service",
    'service = "gihtub"',
    "CONFIG_SERVICE_UNKNOWN",
    "secrets.A.service: this service is unknown",
    'Did you mean "github"?',
  ],
  [
    "a secret as a service",
    `service = "${CANARY}"`,
    "CONFIG_SERVICE_UNKNOWN",
    "secrets.A.service: this service is unknown",
    "docs/services.md",
  ],
  [
    "the name of an object's property",
    'service = "constructor"',
    "CONFIG_SERVICE_UNKNOWN",
    "secrets.A.service: this service is unknown",
    "docs/services.md",
  ],
  [
    "a service that is a list",
    `service = ["${CANARY}"]`,
    "CONFIG_TYPE_INVALID",
    "secrets.A.service: a string is expected, not a list",
    "",
  ],
  [
    "a service where every customer has a host, without one",
    'service = "shopify"',
    "CONFIG_KEY_MISSING",
    'secrets.A: "hosts" is missing; every customer of this service has a host of their own',
    'hosts = ["acme.myshopify.com"]',
  ],
  [
    "a secret as a shape",
    `shape = "${CANARY}"`,
    "CONFIG_SHAPE_INVALID",
    "secrets.A.shape: at least 64 random bits are expected",
    "github, github-fine-grained",
  ],
  [
    "a template with a secret in it",
    `shape = "${CANARY} {hex:64}"`,
    "CONFIG_SHAPE_INVALID",
    "secrets.A.shape: a name, or text with random parts",
    "{alnum:48}",
  ],
];
for (const [why, fields, code, message, hint] of REFUSED) {
  Deno.test(`checkFiles() refuses ${why} [F-3.6]`, async () => {
    const [problem, ...others] = await problemsOf({ project: `[secrets]\nA = { ${SECRET}, ${fields} }` });
    assert.deepEqual(others, []);
    assert.equal(problem?.code, code);
    assert.ok(problem.message.startsWith(`Cannot read .keyzero.toml:2: ${message}`), problem.message);
    const hints = problem.hints.join("\n");
    assert.ok(hints.includes(hint), hints);
    assert.ok(!`${problem.message}${hints}`.includes(CANARY));
  });
}

Deno.test("checkFiles() reports an unknown service and goes on with the others", async () => {
  const project =
    `[secrets]\nA = { ${SECRET}, service = "gihtub" }\nB = { ${SECRET}, service = "github" }\nC = "\${A}"`;
  assert.deepEqual((await problemsOf({ project })).map(({ code }) => code), ["CONFIG_SERVICE_UNKNOWN"]);
});
