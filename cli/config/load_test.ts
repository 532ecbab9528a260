import assert from "node:assert/strict";
import { join } from "node:path";
import { parseHost } from "../../policy/host.ts";
import { DEFAULT_PLACEMENTS, parsePlacement } from "../../policy/placement.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { loadConfig } from "./load.ts";
import type { KzConfig, ProvidedSecret } from "./model.ts";

const PROJECT = `
[secrets]
TOKEN = { provider = "keychain", ref = "token", hosts = ["api.example.com", "*.example.org:8443/v1"], in = "header:X-Key" }
PASSWORD = { provider = "store", ref = "db", expose = false, mask = "whole" }
URL = "postgres://\${PASSWORD}@db"
EXTRA = { provider = "env", ref = "EXTRA", optional = true }

[production.secrets]
TOKEN = { provider = "aws", ref = "sm://token" }
URL = { provider = "aws", ref = "sm://url" }
PASSWORD = { ref = "prod-db" }

[production.providers.aws]
region = "eu-west-1"

[production.blind]
keep_env = ["PROD_*"]

[providers.aws]
profile = "work"

[blind]
keep_env = ["LOG_*"]
upstream_ca = "ca.pem"
connect = { "API.example.com" = "[::1]:8443", b = "127.0.0.1:1" }

[[blind.connections]]
allow = true
host = "api.example.com"
methods = ["get"]
`;
const LOCAL = `
[secrets]
TOKEN = { ref = "my-token" }
MINE = { provider = "env", ref = "MINE" }
[blind.connect]
b = "127.0.0.1:2"
[production.secrets]
MINE = { hosts = [] }
`;
const USER = `
[providers.aws]
profile = "default"
endpoint = "http://localhost:4566"
`;

async function load(
  files: Record<string, string>,
  options: { environment?: string; variables?: Record<string, string> } = {},
): Promise<KzConfig> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(join(root, "config/keyzero"), { recursive: true });
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(root, name), text);
    const variables: Record<string, string> = { XDG_CONFIG_HOME: join(root, "config"), ...options.variables };
    return await loadConfig({ cwd: root, getEnv: (name) => variables[name] }, options.environment);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
const ALL = { ".keyzero.toml": PROJECT, ".keyzero.local.toml": LOCAL, "config/keyzero/config.toml": USER };

function provided(config: KzConfig, name: string): ProvidedSecret {
  const secret = config.secrets.get(parseSecretName(name));
  if (secret?.kind !== "provided") throw new TypeError(`Cannot find ${name}: it is not provided`);
  return secret;
}
const place = (config: KzConfig, name: string) => {
  const { provider, ref } = provided(config, name);
  return `${provider} ${ref}`;
};

Deno.test("loadConfig() reads every field of a secret, with its defaults", async () => {
  const config = await load({ ".keyzero.toml": PROJECT });
  const { origin: _, ...token } = provided(config, "TOKEN");
  assert.deepEqual(token, {
    kind: "provided",
    name: "TOKEN",
    provider: "keychain",
    ref: "token",
    hosts: [
      { pattern: { kind: "exact", host: "api.example.com" }, port: undefined, pathPrefix: undefined },
      { pattern: { kind: "suffix", suffix: "example.org" }, port: 8443, pathPrefix: "/v1" },
    ],
    in: [parsePlacement("header:X-Key")],
    optional: false,
    options: {},
    expose: true,
    mask: { kind: "auto" },
    shape: undefined,
    mints: undefined,
    mintedHosts: undefined,
    refreshMs: undefined,
  });
  const { hosts, in: places, expose, mask } = provided(config, "PASSWORD");
  assert.deepEqual([hosts, places, expose, mask], [undefined, DEFAULT_PLACEMENTS, false, { kind: "whole" }]);
  assert.equal(provided(config, "EXTRA").optional, true);
});

Deno.test("loadConfig() tells the file and line of a declaration", async () => {
  const config = await load(ALL);
  assert.deepEqual(await provided(config, "PASSWORD").origin(), { file: ".keyzero.toml", line: 4 });
  assert.deepEqual(await provided(config, "TOKEN").origin(), { file: ".keyzero.local.toml", line: 3 });
});

Deno.test("loadConfig() reads composed secrets [F-3.5]", async () => {
  const secret = (await load(ALL)).secrets.get(parseSecretName("URL"));
  assert.ok(secret?.kind === "composed");
  assert.deepEqual(secret.parts, ["postgres://", { secret: "PASSWORD" }, "@db"]);
});

Deno.test("loadConfig() lets the local file override the project's [F-3.2]", async () => {
  const config = await load(ALL);
  assert.equal(place(config, "TOKEN"), "keychain my-token");
  assert.equal(place(config, "MINE"), "env MINE");
  assert.equal(config.blind.connect.get(parseHost("b"))?.port, 2);
  assert.deepEqual([...config.secrets.keys()], ["TOKEN", "PASSWORD", "URL", "EXTRA", "MINE"]);
});

Deno.test("loadConfig() lets an environment override key by key [F-3.4]", async () => {
  const config = await load(ALL, { variables: { NODE_ENV: "production" } });
  assert.equal(config.environment, "production");
  assert.equal(place(config, "TOKEN"), "aws sm://token");
  assert.equal(place(config, "URL"), "aws sm://url");
  assert.equal(place(config, "PASSWORD"), "store prod-db");
  assert.equal(place(config, "EXTRA"), "env EXTRA");
  assert.deepEqual(config.blind.keepEnv, ["PROD_*"]);
  assert.equal(config.blind.connections?.length, 1);
});

Deno.test("loadConfig() keeps what an override does not name, so that no silence widens where a secret may go", async () => {
  const config = await load(ALL, { environment: "production" });
  assert.equal(provided(config, "TOKEN").hosts?.length, 2);
  assert.deepEqual(provided(config, "TOKEN").in, [parsePlacement("header:X-Key")]);
  assert.equal(provided(config, "PASSWORD").expose, false);
  assert.deepEqual(provided(config, "MINE").hosts, []);
  // What was composed has no fields to keep.
  assert.equal(provided(config, "URL").hosts, undefined);
});

Deno.test("loadConfig() lays the user's provider defaults under everything [F-3.3]", async () => {
  const endpoint = "http://localhost:4566";
  assert.deepEqual((await load(ALL)).providers.get("aws"), { profile: "work", endpoint });
  const { providers } = await load(ALL, { environment: "production" });
  assert.deepEqual(providers.get("aws"), { profile: "work", endpoint, region: "eu-west-1" });
});

Deno.test("loadConfig() reads [blind]", async () => {
  const { blind, root } = await load({ ".keyzero.toml": PROJECT });
  assert.deepEqual(blind.connections, [{
    number: 1,
    allow: true,
    host: { kind: "exact", host: "api.example.com" },
    port: undefined,
    methods: ["GET"],
    paths: undefined,
  }]);
  assert.deepEqual(blind.connect.get(parseHost("api.example.com")), { hostname: "::1", port: 8443 });
  assert.deepEqual(blind.upstreamCa, [join(root, "ca.pem")]);
  assert.deepEqual((await load({ ".keyzero.toml": "" })).blind.connections, undefined);
  assert.deepEqual((await load({ ".keyzero.toml": "blind.connections = []" })).blind.connections, []);
});

Deno.test("loadConfig() refuses to go on without .keyzero.toml, and says what to do", async () => {
  await assert.rejects(load({ ".keyzero.local.toml": LOCAL }), {
    code: "CONFIG_NOT_FOUND",
    hints: ['Run "kz init" to make one here'],
  });
});

Deno.test("loadConfig() throws the first problem and says how to see the others", async () => {
  await assert.rejects(load({ ".keyzero.toml": "a = 1\nb = 2\n" }), {
    code: "CONFIG_KEY_UNKNOWN",
    message: "Cannot read .keyzero.toml:1: a: this key is unknown",
    hints: ["The keys here are: secrets, providers, blind", 'Run "kz validate" to see all problems'],
  });
});
