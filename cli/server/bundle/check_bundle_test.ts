// Longer than 300 lines: tables of what is taken, key by key, over one way to read a bundle.
import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { Bundle, Issuer } from "../../../policy/server/bundle.ts";
import { ALGORITHMS } from "../../../policy/server/bundle.ts";
import { checkText, issuers, KEYS, keys, policies, resources, withSection } from "./testdata/check_bundle_text.ts";
import { readBundle } from "./read_bundle.ts";

const { rsa, p256, p384, ed25519 } = KEYS;
const OK = { secret: "TOKEN" };

async function bundleOf(text: string, files: Record<string, string | Uint8Array> = {}): Promise<Bundle> {
  const { bundle, problems } = await checkText(text, { files });
  assert.deepEqual(problems.map(({ message }) => message), []);
  assert.ok(bundle !== undefined);
  return bundle;
}
async function issuerOf(text: string, files: Record<string, string | Uint8Array> = {}): Promise<Issuer> {
  const [issuer] = (await bundleOf(text, files)).issuers;
  return issuer!;
}

/** The one of the design, with a key that is one. */
const DESIGN = `version: "1"
issuers:
  - name: internal
    type: custom
    issuer_url: https://auth.internal
    audience: keyzero
    map: { service: claims.service_name, env: claims.environment }
    static_keys: [{ kid: k1, alg: RS256, pem: ${rsa.publicPem} }]   # or jwks_url
policies:
  - name: agent-reads-github
    effect: allow
    rule: service == "agent" && ref == "github/pat"
resources:
  - ref: github/pat                 # exact, or a glob such as github/**
    resolver: gh                    # a backend's name
    secret: github-pat              # the backend's own ref; "{ref}" is the default
    mode: masked                    # or direct
    ttl: 300                        # seconds
    credential_location: header:Authorization:Bearer
    hosts: [api.github.com]
backends:
  gh: { type: keychain }            # any provider, with its options
network:                            # optional; as [blind] in .keyzero.toml
  upstream_ca: ./staging-ca.pem
  connect: { api.github.com: "127.0.0.1:8443" }
`;
const CA = await Deno.readTextFile(new URL("./testdata/root.pem", import.meta.url));

Deno.test("checkBundle() reads every key of the design's example [S-1.1]", async () => {
  const { bundle, warnings } = await checkText(DESIGN, { files: { "staging-ca.pem": CA } });
  assert.deepEqual(warnings, []);
  assert.deepEqual(bundle, {
    issuers: [{
      name: "internal",
      type: "custom",
      issuerUrl: "https://auth.internal",
      audiences: ["keyzero"],
      map: new Map([["service", ["service_name"]], ["env", ["environment"]]]),
      keys: {
        kind: "static",
        keys: [{ kid: "k1", alg: "RS256", material: { kind: "pem", pem: JSON.parse(rsa.publicPem) } }],
      },
    }],
    policies: [{ name: "agent-reads-github", effect: "allow", rule: 'service == "agent" && ref == "github/pat"' }],
    resources: [{
      ref: "github/pat",
      resolver: "gh",
      secret: "github-pat",
      mode: "masked",
      ttlSeconds: 300,
      location: { kind: "header", name: "Authorization", scheme: "Bearer" },
      hosts: [{ pattern: { kind: "exact", host: "api.github.com" }, port: undefined, pathPrefix: undefined }],
      methods: undefined,
      paths: undefined,
    }],
    backends: new Map([["gh", { provider: "keychain", options: {} }]]),
    network: {
      connect: new Map([["api.github.com", { hostname: "127.0.0.1", port: 8443 }]]),
      upstreamCa: [CA],
    },
    state: { kind: "memory" },
    revokers: undefined,
  });
});

Deno.test("checkBundle() gives a bundle that crosses to a worker as it is [S-1.1]", async () => {
  const { bundle } = await checkText(DESIGN, { files: { "staging-ca.pem": CA } });
  assert.deepEqual(structuredClone(bundle), bundle);
});

Deno.test("checkBundle() lets a resource go nowhere and use every default that it does not name [S-1.1]", async () => {
  const { resources: [resource] } = await bundleOf(resources({ ref: "TOKEN", hosts: undefined }));
  assert.deepEqual(resource, {
    ref: "TOKEN",
    resolver: "gh",
    secret: "{ref}",
    mode: "masked",
    ttlSeconds: 300,
    location: { kind: "header", name: "Authorization", scheme: "Bearer" },
    hosts: [],
    methods: undefined,
    paths: undefined,
  });
});

Deno.test("checkBundle() takes an empty bundle, which denies everything", async () => {
  const bundle = await bundleOf('version: "1"\nissuers: []\npolicies: []\nresources: []\nbackends: {}\n');
  assert.deepEqual(bundle.network, { connect: new Map(), upstreamCa: [] });
});

const TAKEN: [why: string, text: string, files?: Record<string, string>][] = [
  ["JSON, which is YAML", '{"version":"1","issuers":[],"policies":[],"resources":[],"backends":{}}'],
  ["a byte order mark", `\ufeff${resources(OK)}`],
  ["CRLF", resources(OK).replaceAll("\n", "\r\n")],
  ["a ttl of 1", resources({ ...OK, ttl: "1" })],
  ["a ttl of 86400", resources({ ...OK, ttl: "86400" })],
  ["four placeholders", resources({ ref: "A", secret: '"{ref}{ref}{ref}{ref}"' })],
  ["a glob whose refs the backend is not asked about", resources({ ref: "a-b/**" })],
  ["methods and paths that are empty", resources({ ...OK, methods: "[]", paths: "[]" })],
  ["an exact ref beside globs", resources(OK, { ref: "github/*", ...OK }, { ref: '"**"', ...OK })],
  ["a name of 64 letters", resources(OK).replace("name: p\n", `name: ${"a".repeat(64)}\n`)],
  ["one root", `${resources(OK)}network: { upstream_ca: ca.pem }`, { "ca.pem": CA }],
  ["roots", `${resources(OK)}network: { upstream_ca: [ca.pem] }`, { "ca.pem": CA }],
  ["revokers", `${resources(OK)}revokers: '"security" in groups'`],
  [
    "an option that only its provider has",
    withSection("backends", "backends:\n  gh: { type: aws, region: eu-west-1 }").replace("TOKEN", "sm://x"),
  ],
  [
    "two keys that have ids",
    keys(`{ kid: a, alg: RS256, pem: ${rsa.publicPem} }`, `{ kid: b, alg: ES256, jwk: ${p256.publicJwk} }`),
  ],
];
for (const [why, text, files] of TAKEN) {
  Deno.test(`checkBundle() takes ${why}`, async () => {
    await bundleOf(text, files);
  });
}

const AUDIENCES: [text: string, expected: readonly string[] | undefined][] = [
  ["keyzero", ["keyzero"]],
  ["[a, b]", ["a", "b"]],
  ["null", undefined],
  ['"null"', ["null"]],
  ["~", undefined],
];
for (const [text, expected] of AUDIENCES) {
  Deno.test(`TM-33 checkBundle() reads audience: ${text} [S-1.1]`, async () => {
    assert.deepEqual((await issuerOf(issuers({ audience: text }))).audiences, expected);
  });
}

const JWKS: [why: string, override: Record<string, string>, url: string, allowPrivate: boolean][] = [
  ["a public https URL", {}, "https://a.example/jwks", false],
  ["a query", { jwks_url: "https://a.example/jwks?v=1" }, "https://a.example/jwks?v=1", false],
  ["a private address by leave", { jwks_url: "https://10.0.0.1/", jwks_private: "true" }, "https://10.0.0.1/", true],
  [
    "http to this machine by leave",
    { jwks_url: "http://127.0.0.1:81/", jwks_private: "true" },
    "http://127.0.0.1:81/",
    true,
  ],
  ["http to ::1 by leave", { jwks_url: '"http://[::1]:81/"', jwks_private: "true" }, "http://[::1]:81/", true],
];
for (const [why, override, url, allowPrivate] of JWKS) {
  Deno.test(`checkBundle() takes a jwks_url with ${why} [S-1.1]`, async () => {
    const { keys } = await issuerOf(issuers(override));
    const algorithms = ALGORITHMS.filter((alg) => !alg.startsWith("HS"));
    assert.deepEqual(keys, { kind: "jwks", url, allowPrivate, algorithms });
  });
}

const KEY_TABLE: [alg: string, rest: string, kind: "pem" | "jwk"][] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].flatMap((alg): [string, string, "pem" | "jwk"][] => [
    [alg, `pem: ${rsa.publicPem}`, "pem"],
    [alg, `jwk: ${rsa.publicJwk}`, "jwk"],
  ]),
  ["ES256", `pem: ${p256.publicPem}`, "pem"],
  ["ES256", `jwk: ${p256.publicJwk}`, "jwk"],
  ["ES384", `pem: ${p384.publicPem}`, "pem"],
  ["ES384", `jwk: ${p384.publicJwk}`, "jwk"],
  ["EdDSA", `pem: ${ed25519.publicPem}`, "pem"],
  ["EdDSA", `jwk: ${ed25519.publicJwk}`, "jwk"],
];
for (const [alg, rest, kind] of KEY_TABLE) {
  Deno.test(`checkBundle() takes a ${kind} for ${alg} [S-1.1]`, async () => {
    const { keys: read } = await issuerOf(keys(`{ alg: ${alg}, ${rest} }`));
    assert.ok(read.kind === "static");
    assert.deepEqual(read.keys.map((key) => [key.kid, key.alg, key.material.kind]), [[undefined, alg, kind]]);
  });
}

Deno.test("checkBundle() keeps of a JWK what makes a public key, and its kid", async () => {
  const jwk = rsa.publicJwk.replace("}", ',"kid":"x","use":"sig","x5c":["AAAA"],"key_ops":["verify"],"alg":"RS256"}');
  const { keys: read } = await issuerOf(keys(`{ alg: RS256, jwk: ${jwk} }`));
  assert.ok(read.kind === "static");
  assert.deepEqual(read.keys, [{ kid: "x", alg: "RS256", material: { kind: "jwk", jwk: JSON.parse(rsa.publicJwk) } }]);
});

const SECRETS: [why: string, alg: string, content: string | Uint8Array, length: number][] = [
  ["of 32 bytes", "HS256", "s".repeat(32), 32],
  ["of 32 bytes and a line break", "HS256", `${"s".repeat(32)}\n`, 32],
  ["of 48 bytes and a line break of Windows", "HS384", `${"s".repeat(48)}\r\n`, 48],
  ["of 64 bytes and two line breaks, of which one is the secret's", "HS512", `${"s".repeat(63)}\n\n`, 64],
  ["of bytes that are no text", "HS256", new Uint8Array(32).fill(0xff), 32],
];
for (const [why, alg, content, length] of SECRETS) {
  Deno.test(`checkBundle() takes a secret ${why} from a file beside the bundle [S-1.1]`, async () => {
    const { keys: read } = await issuerOf(keys(`{ alg: ${alg}, secret_file: hs.key }`), { "hs.key": content });
    assert.ok(read.kind === "static" && read.keys[0]?.material.kind === "secret");
    assert.equal(read.keys[0].material.bytes.length, length);
  });
}

const MAPS: [type: string, map: string | undefined, expected: Record<string, readonly string[]>][] = [
  ["custom", undefined, {}],
  ["custom", "{ service: claims.a, groups: \"claims['b.c'].d\" }", { service: ["a"], groups: ["b.c", "d"] }],
  ["github-actions", undefined, {
    org: ["repository_owner"],
    service: ["repository"],
    env: ["environment"],
    action: ["event_name"],
    branch: ["ref"],
    actor: ["actor"],
  }],
  ["kubernetes", "{ env: claims.cluster }", {
    org: ["kubernetes.io", "namespace"],
    service: ["kubernetes.io", "serviceaccount", "name"],
    env: ["cluster"],
  }],
  ["gcp", "{ service: claims.sub }", {
    org: ["google", "compute_engine", "project_id"],
    service: ["sub"],
    actor: ["email"],
  }],
  ["aws", undefined, { org: ["https://sts.amazonaws.com/", "aws_account"], actor: ["sub"] }],
];
for (const [type, map, expected] of MAPS) {
  Deno.test(`checkBundle() maps the claims of ${type} with map: ${map} [S-1.1]`, async () => {
    assert.deepEqual(Object.fromEntries((await issuerOf(issuers({ type, map }))).map), expected);
  });
}

Deno.test("checkBundle() lists every problem in the order of the file, also those between entries [S-1.2]", async () => {
  const text = `${policies({ name: "a b", rule: "1" }, {}, {})}colour: blue\n`
    .replace("hosts: [api.github.com]", 'hosts: ["*"]\n    ttl: 0')
    .replace("resolver: gh", "resolver: hg");
  const { problems } = await checkText(text);
  assert.deepEqual(problems.map(({ message }) => /:(\d+): ([^ :]*)/.exec(message)?.slice(1).join(" ")), [
    "2 policies[0].name",
    "4 policies[0].rule",
    "8 policies[2].name",
    "20 resources[0].resolver",
    "21 resources[0].hosts[0]",
    "22 resources[0].ttl",
    "26 colour",
  ]);
});

const WARNINGS: [why: string, text: string, expected: readonly string[]][] = [
  ["any audience", issuers({ audience: "null" }), [
    "bundle.yaml:5: issuers[0].audience: tokens that this issuer makes",
  ]],
  ["a masked resource without hosts", resources({ ...OK, hosts: undefined }), [
    "bundle.yaml:2: resources[0]: no hosts: ",
  ]],
  ["a masked resource of no hosts", resources({ ...OK, hosts: "[]" }), ["bundle.yaml:2: resources[0]: no hosts: "]],
  ["a direct resource without hosts", resources({ ...OK, hosts: undefined, mode: "direct" }), []],
  ["globs of which neither comes first", resources({ ref: "a/*", ...OK }, { ref: "a/**", ...OK }), [
    "bundle.yaml:6: resources[1].ref: refs that it shares with resources[0] go to that one",
  ]],
  ["globs of which one comes first", resources({ ref: "a/*", ...OK }, { ref: "a/b*", ...OK }), []],
  ["TM-37 a rule that trusts the caller's word", policies({ rule: 'context.team == "a"' }), [
    "bundle.yaml:4: policies[0].rule: ",
  ]],
  ["a rule that nothing comes after", policies({ rule: '"true"', effect: "deny" }, { name: "q" }), [
    "bundle.yaml:7: policies[1].rule: it is never reached",
  ]],
];
for (const [why, text, expected] of WARNINGS) {
  const [, threat = "", rest = why] = /^(TM-\d+ )(.*)$/s.exec(why) ?? [];
  Deno.test(`${threat}checkBundle() warns as it should of ${rest} [S-1.4]`, async () => {
    const { problems, warnings } = await checkText(text);
    assert.deepEqual(problems, []);
    assert.equal(warnings.length, expected.length, warnings.map(({ message }) => message).join("\n"));
    for (const [index, message] of expected.entries()) assert.ok(warnings[index]!.message.startsWith(message));
  });
}

Deno.test("checkBundle() stays quick with ten thousand policies and as many problems", async () => {
  const many = (rule: string) =>
    withSection(
      "policies",
      `policies:\n${
        Array.from({ length: 10_000 }, (_, i) => `  - { name: p${i}, effect: allow, rule: ${rule} }`).join("\n")
      }`,
    );
  assert.equal((await checkText(many('service == "a"'))).bundle?.policies.length, 10_000);
  assert.equal((await checkText(many("1"))).problems.length, 10_000);
  const wide = `network:\n${Array.from({ length: 40_000 }, (_, i) => `  k${i}:`).join("\n")}`;
  assert.ok((await checkText(wide)).problems.length >= 40_000);
});

Deno.test("readBundle() throws the first problem and says that there are more [S-1.2]", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(root, "bundle.yaml"), 'version: "2"\n');
    const around = { cwd: root, getEnv: () => undefined };
    await assert.rejects(readBundle("bundle.yaml", around), (error) => {
      assert.ok(error instanceof AppError);
      assert.match(error.message, /^Cannot read bundle\.yaml: "issuers" is missing$/);
      assert.match(error.hints.join("\n"), /kz server check/);
      return true;
    });
    await Deno.writeTextFile(join(root, "bundle.yaml"), resources(OK));
    assert.equal((await readBundle(join(root, "bundle.yaml"), around)).policies.length, 1);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("readBundle() refuses what is not there and what is no regular file", async () => {
  const root = await Deno.makeTempDir();
  const around = { cwd: root, getEnv: () => undefined };
  try {
    await assert.rejects(readBundle("none.yaml", around), { code: "CONFIG_NOT_FOUND" });
    await assert.rejects(readBundle(".", around), { code: "CONFIG_UNREADABLE" });
    await Deno.symlink("nowhere", join(root, "link.yaml"));
    await assert.rejects(readBundle("link.yaml", around), { code: "CONFIG_UNREADABLE" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("checkBundle() reads the complete example of docs/bundle.md without a warning [S-1.1]", async () => {
  const docs = await Deno.readTextFile(new URL("../../../docs/bundle.md", import.meta.url));
  const [, example = ""] = /```yaml\n(.*?)```/s.exec(docs) ?? [];
  const { bundle, problems, warnings } = await checkText(example);
  assert.deepEqual(problems.map(({ message }) => message), []);
  assert.deepEqual(warnings, []);
  assert.equal(bundle?.issuers.length, 2);
});
