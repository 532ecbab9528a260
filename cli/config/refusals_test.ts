// Longer than 300 lines: tables of what a configuration may not say, a row for each kind of fault.
import assert from "node:assert/strict";
import type { ErrorCode } from "../../policy/error.ts";
import { problemsOf, type Texts } from "./testdata/check_text.ts";

/** Stands where a value could have been pasted by mistake, as a value and as a key. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";
const K = '{ provider = "keychain", ref = "item" }';

type Row = [why: string, text: string | Texts, code: ErrorCode, message: string, hint?: string];

const TABLE: Row[] = [
  // Top level
  ["an unknown key", `\nsecret = "${CANARY}"`, "CONFIG_KEY_UNKNOWN", ":2: secret: this key is unknown", '"secrets"'],
  [
    "a secret as a key",
    `${CANARY} = 1`,
    "CONFIG_KEY_UNKNOWN",
    ":1: …: this key is unknown",
    "secrets, providers, blind",
  ],
  ["a misspelt table", `[secret]\nA = ${K}`, "CONFIG_KEY_UNKNOWN", ":1: secret: this key is unknown", '"secrets"'],
  ["a reserved word", "[default.secrets]", "CONFIG_KEY_UNKNOWN", ":1: default: this key is unknown"],
  ["a secret as an environment", `[${CANARY}.secrets]`, "CONFIG_KEY_UNKNOWN", ":1: …: this key is unknown"],
  [
    "secrets that are no table",
    `secrets = "${CANARY}"`,
    "CONFIG_TYPE_INVALID",
    ":1: secrets: a table is expected, not a string",
  ],
  [
    "an unknown key of an environment",
    `[p.secrets]\n[p.blinds]`,
    "CONFIG_KEY_UNKNOWN",
    ":2: p.blinds: this key is unknown",
    '"blind"',
  ],
  [
    "an environment in an environment",
    `[p.secrets]\n[p.q.secrets]`,
    "CONFIG_KEY_UNKNOWN",
    ":2: p.q: this key is unknown",
  ],
  // Secrets
  ["a name with a hyphen", `[secrets]\nA-B = ${K}`, "CONFIG_NAME_INVALID", ":2: secrets.A-B: a letter or underscore"],
  [
    "a secret as a name",
    `[secrets]\n"${CANARY}!" = ${K}`,
    "CONFIG_NAME_INVALID",
    ":2: secrets.…: a letter or underscore",
  ],
  [
    "a value",
    `[secrets]\nA = "${CANARY}"`,
    "CONFIG_COMPOSITION_INVALID",
    ':2: secrets.A: text that names no secret as "${NAME}"',
    "kz put",
  ],
  ["a list", `[secrets]\nA = ["${CANARY}"]`, "CONFIG_TYPE_INVALID", ":2: secrets.A: a table is expected, not a list"],
  ["a date", `[secrets]\nA = 2020-01-01`, "CONFIG_TYPE_INVALID", ":2: secrets.A: a table is expected, not a date"],
  [
    "a minted field that is none",
    `[secrets]\nA = { provider = "env", ref = "a", mints = ["${CANARY}!"] }`,
    "CONFIG_NAME_INVALID",
    ":2: secrets.A.mints[0]: 5 to 64 letters",
    "access_token",
  ],
  [
    "a minted host over a public suffix",
    `[secrets]\nA = { provider = "env", ref = "a", minted_hosts = ["*.co.uk"] }`,
    "CONFIG_HOST_INVALID",
    ":2: secrets.A.minted_hosts[0]: anyone can register",
  ],
  ["no provider", `[secrets]\nA = { ref = "${CANARY}" }`, "CONFIG_KEY_MISSING", ':2: secrets.A: "provider" is missing'],
  ["no ref", `[secrets]\nA = { provider = "env" }`, "CONFIG_KEY_MISSING", ':2: secrets.A: "ref" is missing'],
  [
    "an unknown provider",
    `[secrets]\nA = { provider = "keychian", ref = "x" }`,
    "CONFIG_PROVIDER_UNKNOWN",
    ":2: secrets.A.provider: this provider is unknown",
    '"keychain"',
  ],
  [
    "a secret as a provider",
    `[secrets]\nA = { provider = "${CANARY}", ref = "x" }`,
    "CONFIG_PROVIDER_UNKNOWN",
    ":2: secrets.A.provider: this provider is unknown",
    "keychain, store",
  ],
  [
    "a provider that is a number",
    `[secrets]\nA = { provider = 1, ref = "x" }`,
    "CONFIG_TYPE_INVALID",
    ":2: secrets.A.provider: a string is expected, not a number",
  ],
  [
    "an unknown key of a secret",
    `[secrets]\nA = { provider = "env", reff = "${CANARY}" }`,
    "CONFIG_KEY_UNKNOWN",
    ":2: secrets.A.reff: this key is unknown",
    '"ref"',
  ],
  [
    "a secret as a key of a secret",
    `[secrets]\nA = { ${CANARY} = 1 }`,
    "CONFIG_KEY_UNKNOWN",
    ":2: secrets.A.…: this key is unknown",
  ],
  [
    "an empty ref",
    `[secrets]\nA = { provider = "store", ref = "" }`,
    "CONFIG_REF_INVALID",
    ":2: secrets.A.ref: 1 to 2048",
  ],
  [
    "a ref with a line break",
    `[secrets]\nA = { provider = "store", ref = "${CANARY}\\n" }`,
    "CONFIG_REF_INVALID",
    ":2: secrets.A.ref: 1 to 2048",
  ],
  [
    "a ref that its provider cannot have",
    `[secrets]\nA = { provider = "env", ref = "${CANARY}!" }`,
    "CONFIG_REF_INVALID",
    ":2: secrets.A.ref: the name of a variable",
  ],
  [
    "a host with a scheme",
    `[secrets.A]\nprovider = "env"\nref = "A"\nhosts = [\n "a.example",\n "https://u:${CANARY}@b.example"]`,
    "CONFIG_HOST_INVALID",
    ":6: secrets.A.hosts[1]: ",
  ],
  [
    "hosts that are no list",
    `[secrets.A]\nprovider = "env"\nref = "A"\nhosts = "${CANARY}"`,
    "CONFIG_TYPE_INVALID",
    ":4: secrets.A.hosts: a list is expected, not a string",
  ],
  [
    "a wildcard over a public suffix",
    `[secrets]\nA = { provider = "env", ref = "A", hosts = ["*.co.uk"] }`,
    "CONFIG_HOST_INVALID",
    ":2: secrets.A.hosts[0]: anyone can register",
  ],
  [
    "an unknown placement",
    `[secrets]\nA = { provider = "env", ref = "A", in = ["${CANARY}"] }`,
    "CONFIG_PLACEMENT_INVALID",
    ":2: secrets.A.in[0]: ",
  ],
  [
    "no placement",
    `[secrets]\nA = { provider = "env", ref = "A", in = [] }`,
    "CONFIG_TYPE_INVALID",
    ":2: secrets.A.in: at least 1 item",
  ],
  [
    "optional as a word",
    `[secrets]\nA = { provider = "env", ref = "A", optional = "${CANARY}" }`,
    "CONFIG_TYPE_INVALID",
    ":2: secrets.A.optional: true or false is expected, not a string",
  ],
  [
    "a mask that is no expression",
    `[secrets]\nA = { provider = "env", ref = "A", mask = "${CANARY}" }`,
    "CONFIG_MASK_INVALID",
    ":2: secrets.A.mask: ",
  ],
  // Composed secrets
  [
    "an unknown name",
    `[secrets]\nAB = ${K}\nC = "\${AC}"`,
    "CONFIG_SECRET_UNKNOWN",
    ":3: secrets.C: it names a secret that is not declared",
    '"AB"',
  ],
  ["a secret as an unknown name", `[secrets]\nC = "\${${CANARY}}"`, "CONFIG_SECRET_UNKNOWN", ":2: secrets.C: it names"],
  [
    "a cycle",
    `[secrets]\nA = "\${B}"\nB = "x\${C}"\nC = "\${A}"`,
    "CONFIG_COMPOSITION_INVALID",
    ":2: secrets.A: it is composed of itself: A → B → C → A",
  ],
  [
    "a reference that is not closed",
    `[secrets]\nA = "\${${CANARY}"`,
    "CONFIG_COMPOSITION_INVALID",
    ":2: secrets.A: the name of a secret",
  ],
  // Environments
  [
    "another provider without its ref",
    `[secrets]\nA = ${K}\n[p.secrets]\nA = { provider = "env" }`,
    "CONFIG_KEY_MISSING",
    ':4: p.secrets.A: "ref" is missing; another',
  ],
  [
    "a secret of one environment in the default",
    `[secrets]\nC = "\${A}"\n[p.secrets]\nA = ${K}`,
    "CONFIG_SECRET_UNKNOWN",
    ":2: secrets.C: it names",
  ],
  [
    "a cycle in one environment",
    `[secrets]\nA = ${K}\nB = "\${A}"\n[p.secrets]\nA = "\${B}"`,
    "CONFIG_COMPOSITION_INVALID",
    ":5: p.secrets.A: it is composed of itself: A → B → A",
  ],
  // Providers
  [
    "an unknown provider's table",
    `[providers.keychian]`,
    "CONFIG_PROVIDER_UNKNOWN",
    ":1: providers.keychian: this provider is unknown",
    '"keychain"',
  ],
  [
    "an unknown option",
    `[providers.aws]\nregoin = "${CANARY}"`,
    "CONFIG_KEY_UNKNOWN",
    ":2: providers.aws.regoin: this key is unknown",
    '"region"',
  ],
  [
    "an option of a provider that has none",
    `[providers.env]\nx = "${CANARY}"`,
    "CONFIG_KEY_UNKNOWN",
    ":2: providers.env.x: this key is unknown",
    "No key",
  ],
  [
    "an option that does not fit",
    `[providers.aws]\nregion = "${CANARY}!"`,
    "CONFIG_TYPE_INVALID",
    ":2: providers.aws.region: the value is not",
  ],
  [
    "a provider that is no table",
    `providers.aws = "${CANARY}"`,
    "CONFIG_TYPE_INVALID",
    ":1: providers.aws: a table is expected",
  ],
  // Blind mode
  [
    "a rule without host",
    `[[blind.connections]]\nallow = true`,
    "CONFIG_KEY_MISSING",
    ':1: blind.connections[0]: "host" is missing',
  ],
  [
    "a rule without allow",
    `\n[[blind.connections]]\nhost = "*"`,
    "CONFIG_KEY_MISSING",
    ':2: blind.connections[0]: "allow" is missing',
  ],
  [
    "a rule's host with a port",
    `[[blind.connections]]\nallow = true\nhost = "${CANARY}:443"`,
    "CONFIG_HOST_INVALID",
    ":3: blind.connections[0].host: ",
  ],
  [
    "an allowed public suffix",
    `[[blind.connections]]\nallow = true\nhost = "*.github.io"`,
    "CONFIG_HOST_INVALID",
    ":3: blind.connections[0].host: anyone can",
  ],
  [
    "a port of 65536",
    `[[blind.connections]]\nallow = true\nhost = "*"\nport = 65536`,
    "CONFIG_TYPE_INVALID",
    ":4: blind.connections[0].port: a whole number from 1 to 65535",
  ],
  [
    "a port of 1.5",
    `[[blind.connections]]\nallow = true\nhost = "*"\nport = 1.5`,
    "CONFIG_TYPE_INVALID",
    ":4: blind.connections[0].port: a whole number",
  ],
  [
    "a method that is none",
    `[[blind.connections]]\nallow = true\nhost = "*"\nmethods = ["GET", "${CANARY}!"]`,
    "CONFIG_RULE_INVALID",
    ":4: blind.connections[0].methods[1]: a method is",
  ],
  [
    "a path that is ambiguous",
    `[[blind.connections]]\nallow = true\nhost = "*"\npaths = ["/a/../${CANARY}"]`,
    "CONFIG_RULE_INVALID",
    ":4: blind.connections[0].paths[0]: a path",
  ],
  ["everything kept", `[blind]\nkeep_env = ["*"]`, "CONFIG_NAME_INVALID", ":2: blind.keep_env[0]: "],
  [
    "a kept variable with a value",
    `[blind]\nkeep_env = ["A=${CANARY}"]`,
    "CONFIG_NAME_INVALID",
    ":2: blind.keep_env[0]: ",
  ],
  [
    "a target without port",
    `[blind.connect]\n"a.example" = "${CANARY}"`,
    "CONFIG_HOST_INVALID",
    ':2: blind.connect.…: "host:port"',
  ],
  [
    "a target with port 0",
    `[blind]\nconnect = { a = "127.0.0.1:0" }`,
    "CONFIG_HOST_INVALID",
    ':2: blind.connect.a: "host:port"',
  ],
  [
    "a dialled host that is none",
    `[blind.connect]\n"u:${CANARY}@a" = "127.0.0.1:1"`,
    "CONFIG_HOST_INVALID",
    ":2: blind.connect.…: a host name",
  ],
  ["an empty certificate path", `[blind]\nupstream_ca = ""`, "CONFIG_UNREADABLE", ":2: blind.upstream_ca: 1 to 4096"],
  [
    "an unknown key of blind",
    `[blind]\nkeepenv = ["${CANARY}"]`,
    "CONFIG_KEY_UNKNOWN",
    ":2: blind.keepenv: this key is unknown",
    '"keep_env"',
  ],
  [
    "an expression that RE2 does not read",
    `[[blind.connections]]\nallow = true\nhost = "/(?=${CANARY})/"`,
    "CONFIG_RULE_INVALID",
    ":3: blind.connections[0].host: the host expression",
  ],
  // The other files
  ["a key twice", `[secrets]\nA = ${K}\nA = ${K}`, "CONFIG_SYNTAX_INVALID", ":3:1: this key is defined twice"],
  [
    "a fault of the local file",
    { project: "", local: `[secrets]\nA = "${CANARY}"` },
    "CONFIG_COMPOSITION_INVALID",
    "Cannot read .keyzero.local.toml:2: secrets.A: ",
  ],
  [
    "secrets in the user's file",
    { project: "", user: `\n[secrets]\nA = "${CANARY}"` },
    "CONFIG_KEY_UNKNOWN",
    "Cannot read config.toml:2: secrets: this key is unknown",
    "move the rest",
  ],
  [
    "a secret as a key of the user's file",
    { project: "", user: `${CANARY} = 1` },
    "CONFIG_KEY_UNKNOWN",
    "Cannot read config.toml:1: …: ",
    "move the rest",
  ],
];

for (const [why, text, code, message, hint] of TABLE) {
  Deno.test(`checkFiles() refuses ${why} and shows no value [F-3.6]`, async () => {
    const problems = await problemsOf(typeof text === "string" ? { project: text } : text);
    const problem = problems.find((error) => error.message.includes(message));
    assert.ok(problem !== undefined, `no such message in: ${problems.map((error) => error.message).join("\n")}`);
    assert.equal(problem.code, code);
    assert.match(problem.message, /^Cannot read [^ ]+:\d+(?::\d+)?: /);
    if (hint !== undefined) assert.ok(problem.hints.join("\n").includes(hint), problem.hints.join("\n"));
    // requirement: F-3.7
    assert.ok(!Deno.inspect(problems, { depth: 9 }).includes(CANARY));
  });
}

const TAKEN: [why: string, text: string | Texts][] = [
  ["nothing at all", ""],
  ["an empty table of secrets", "[secrets]"],
  ["an empty environment", "[staging]"],
  ["a denied public suffix", `[[blind.connections]]\nallow = false\nhost = "*.github.io"`],
  ["an empty list of rules", "[blind]\nconnections = []"],
  ["no hosts", `[secrets]\nA = { provider = "env", ref = "A", hosts = [] }`],
  ["a part of a secret in the local file", {
    project: `[secrets]\nA = ${K}`,
    local: `[secrets]\nA = { ref = "mine" }`,
  }],
  ["a provider's defaults of the user", { project: "", user: `[providers.aws]\nregion = "eu-west-1"` }],
  ["a composed secret of a secret of its environment", `[p.secrets]\nA = ${K}\nB = "\${A}"`],
];
for (const [why, text] of TAKEN) {
  Deno.test(`checkFiles() takes ${why}`, async () => {
    const problems = await problemsOf(typeof text === "string" ? { project: text } : text);
    assert.deepEqual(problems.map((error) => error.message), []);
  });
}

Deno.test("checkFiles() lists every problem of every environment, each once [F-5.12]", async () => {
  const text = `[secrets]\nA = 1\nB = "\${A}"\nC = 2\n[p.secrets]\nD = 3\n[q.secrets]\nE = "\${F}"`;
  const lines = (await problemsOf({ project: text })).map((error) => /:(\d+): /.exec(error.message)?.[1]);
  assert.deepEqual(lines.toSorted(), ["2", "4", "6", "8"]);
});

Deno.test("checkFiles() stays quick with thousands of problems", async () => {
  const text = `[secrets]\n${Array.from({ length: 5_000 }, (_, index) => `A${index} = 1`).join("\n")}`;
  assert.equal((await problemsOf({ project: text })).length, 5_000);
});
