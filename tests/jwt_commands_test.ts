// Long because it goes through three commands, each with what it refuses.
import assert from "node:assert/strict";
import { parseHost } from "../policy/host.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { kz, type KzOptions, makeHome } from "./support/kz.ts";

/** Stands where people put credentials by mistake; no output may hold it. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";

/** A home whose files a test writes and reads. */
class Home implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Home> {
    return new Home(await makeHome());
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.file(name), text);
  }

  kz(args: readonly string[], options: KzOptions = {}) {
    return kz(args, { home: this.path, cwd: this.path, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A bundle whose one issuer has these keys, in YAML. */
function bundleOf(keys: string): string {
  return `version: "1"
issuers:
  - name: trial
    type: custom
    issuer_url: https://auth.example.com
    audience: keyzero
    map: { service: claims.service_name, groups: claims.groups }
${keys.replaceAll(/^/gm, "    ")}
policies:
  - { name: nobody, effect: deny, rule: "true" }
resources:
  - { ref: github/pat, resolver: gh, secret: pat, hosts: [api.github.com] }
backends:
  gh: { type: env }
`;
}

const SIGN = ["--issuer", "https://auth.example.com", "--audience", "keyzero", "--subject", "agent-7"];
const ALGORITHMS = [
  "ES256",
  "ES384",
  "EdDSA",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "HS256",
  "HS384",
  "HS512",
];

for (const alg of ALGORITHMS) {
  Deno.test(`kz jwt makes a key for ${alg}, signs by it, and a bundle takes it as it was printed [S-8.1]`, async () => {
    await using home = await Home.make();
    const made = await home.kz(["jwt", "keygen", "--alg", alg, "--out", "key.pem"]);
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /^static_keys:\n {2}- alg: /);
    await home.write("bundle.yaml", bundleOf(made.stdout));
    const { mode } = await Deno.stat(home.file("key.pem"));
    if (Deno.build.os !== "windows") assert.equal(mode! & 0o777, 0o600);
    assert.equal(made.stdout.includes("BEGIN PUBLIC KEY"), !alg.startsWith("HS"));
    const held = await Deno.readTextFile(home.file("key.pem"));
    for (const line of held.trim().split("\n").slice(alg.startsWith("HS") ? 0 : 1, -1 || undefined)) {
      assert.ok(!made.stdout.includes(line) && !made.stderr.includes(line));
    }
    // What it says to write next works.
    const next = /^Then: kz (.+?) --issuer/m.exec(made.stderr)![1]!.split(" ");
    const signed = await home.kz([...next, ...SIGN, "--claim", "service_name=agent", "--claim", 'groups:=["dev"]']);
    assert.equal(signed.status, 0, signed.stderr);
    assert.equal(signed.stderr, "");
    assert.match(signed.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const seen = await home.kz(["jwt", "inspect", "--bundle", "bundle.yaml"], { stdin: signed.stdout });
    assert.equal(seen.status, 0, seen.stderr);
    const { header, claims, verification, identity } = JSON.parse(seen.stdout);
    assert.equal(header.alg, alg);
    assert.deepEqual(claims.groups, ["dev"]);
    assert.deepEqual(verification, { valid: true });
    assert.deepEqual(identity, {
      issuer: "trial",
      subject: "agent-7",
      org: "",
      service: "agent",
      env: "",
      action: "",
      branch: "",
      actor: "",
      groups: ["dev"],
    });
    const [, , signature = ""] = signed.stdout.trim().split(".");
    assert.ok(!seen.stdout.includes(signature) && !seen.stderr.includes(signature));
  });
}

Deno.test("kz jwt keygen leaves what is there alone, a link too [S-8.2]", async () => {
  await using home = await Home.make();
  await home.write("key.pem", "old");
  if (Deno.build.os !== "windows") await Deno.symlink(home.file("elsewhere"), home.file("link.pem"));
  for (const name of Deno.build.os === "windows" ? ["key.pem"] : ["key.pem", "link.pem"]) {
    const { status, stdout, stderr } = await home.kz(["jwt", "keygen", "--out", name]);
    assert.equal(status, 3);
    assert.equal(stdout, "");
    assert.match(stderr, /^error\[CONFIG_EXISTS\]: /);
  }
  assert.equal(await Deno.readTextFile(home.file("key.pem")), "old");
  await assert.rejects(Deno.stat(home.file("elsewhere")), Deno.errors.NotFound);
});

Deno.test("kz jwt keygen and sign are refused in a blind run (TM-31) [S-8.2]", async () => {
  await using home = await Home.make();
  await home.kz(["jwt", "keygen", "--out", "key.pem"]);
  for (const args of [["jwt", "keygen", "--out", "new.pem"], ["jwt", "sign", "--key", "key.pem"]]) {
    const { status, stdout, stderr } = await home.kz(args, { env: { KEYZERO_BLIND: "1" } });
    assert.equal(status, 4);
    assert.equal(stdout, "");
    assert.match(stderr, /^error\[DENIED_IN_BLIND_RUN\]: /);
  }
});

Deno.test("kz jwt keygen takes the kid that it is given, and says how to sign with it [S-8.1]", async () => {
  await using home = await Home.make();
  const { stdout, stderr } = await home.kz(["jwt", "keygen", "--out", "a key.pem", "--kid", "team's key"]);
  assert.match(stdout, /kid: "team's key"/);
  assert.match(stderr, /kz jwt sign --key 'a key\.pem' --kid 'team'\\''s key' --issuer/);
});

Deno.test("kz jwt sign reads the usual forms of a private key [S-8.3]", async () => {
  await using home = await Home.make();
  const { createPrivateKey, generateKeyPairSync } = await import("node:crypto");
  const { privateKey: ec } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await home.write(
    "ec.pem",
    String(createPrivateKey(ec.export({ format: "pem", type: "sec1" })).export({ format: "pem", type: "sec1" })),
  );
  await home.write("rsa.pem", String(rsa.export({ format: "pem", type: "pkcs1" })));
  for (const [name, alg] of [["ec.pem", "ES256"], ["rsa.pem", "RS256"]]) {
    await Deno.chmod(home.file(name!), 0o600);
    const { status, stdout, stderr } = await home.kz(["jwt", "sign", "--key", name!, ...SIGN]);
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(atob(stdout.split(".")[0]!.replaceAll("-", "+").replaceAll("_", "/"))).alg, alg);
  }
});

const UNUSABLE: readonly (readonly [why: string, text: string, args: readonly string[], code: string])[] = [
  ["a public key", `-----BEGIN PUBLIC KEY-----\n${btoa(CANARY)}\n-----END PUBLIC KEY-----\n`, [], "JWT_KEY_UNUSABLE"],
  ["an encrypted key", `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${btoa(CANARY)}\n`, [], "JWT_KEY_UNUSABLE"],
  [
    "a PEM of something else",
    `-----BEGIN PRIVATE KEY-----\n${btoa(CANARY)}\n-----END PRIVATE KEY-----\n`,
    [],
    "JWT_KEY_UNUSABLE",
  ],
  ["a short secret", CANARY, [], "JWT_KEY_UNUSABLE"],
  ["a text for ES256", CANARY.repeat(3), ["--alg", "ES256"], "JWT_KEY_UNUSABLE"],
  ["an empty file", "", [], "JWT_KEY_UNUSABLE"],
  ["a large file", CANARY.repeat(1000), [], "CONFIG_UNREADABLE"],
];
for (const [why, text, args, code] of UNUSABLE) {
  Deno.test(`kz jwt sign refuses ${why} as its key, and shows nothing of it [S-8.3]`, async () => {
    await using home = await Home.make();
    await home.write("key.pem", text);
    const { status, stdout, stderr } = await home.kz(["jwt", "sign", "--key", "key.pem", ...args, ...SIGN]);
    assert.equal(status, 3);
    assert.equal(stdout, "");
    assert.ok(stderr.includes(`error[${code}]: `), stderr);
    assert.ok(!stderr.includes(CANARY) && !stderr.includes(btoa(CANARY)));
  });
}

Deno.test("kz jwt sign refuses an algorithm that its key is not for, and says which it is for [S-8.3]", async () => {
  await using home = await Home.make();
  await home.kz(["jwt", "keygen", "--out", "key.pem"]);
  const { status, stderr } = await home.kz(["jwt", "sign", "--key", "key.pem", "--alg", "RS256"]);
  assert.equal(status, 3);
  assert.match(stderr, /it is not for RS256\n\nhint: It is for ES256\n/);
});

Deno.test("kz jwt sign refuses a secret for HS512 that is as long as HS256 takes [S-8.3]", async () => {
  await using home = await Home.make();
  await home.write("secret.txt", `${"s".repeat(63)}\n`);
  assert.equal((await home.kz(["jwt", "sign", "--key", "secret.txt", "--alg", "HS256"])).status, 0);
  assert.equal((await home.kz(["jwt", "sign", "--key", "secret.txt", "--alg", "HS512"])).status, 3);
});

Deno.test({
  name: "kz jwt sign warns of a key that others can read [S-8.3]",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using home = await Home.make();
    await home.kz(["jwt", "keygen", "--out", "key.pem"]);
    await Deno.chmod(home.file("key.pem"), 0o644);
    assert.match((await home.kz(["jwt", "sign", "--key", "key.pem", ...SIGN])).stderr, /^warning: others can read/);
  },
});

const USAGE: readonly (readonly [why: string, args: readonly string[]])[] = [
  ["sign without a key", ["sign"]],
  ["sign with an argument", ["sign", "--key", "key.pem", CANARY]],
  ["sign with an unknown algorithm", ["sign", "--key", "key.pem", "--alg", `none${CANARY}`]],
  ["sign with alg none", ["sign", "--key", "key.pem", "--alg", "none"]],
  ["sign with a claim without a name", ["sign", "--key", "key.pem", "--claim", `=${CANARY}`]],
  ["sign with a claim without =", ["sign", "--key", "key.pem", "--claim", CANARY]],
  ["sign with a claim without a name before :=", ["sign", "--key", "key.pem", "--claim", `:=${CANARY}`]],
  ["sign with a claim that is no JSON", ["sign", "--key", "key.pem", "--claim", `a:=${CANARY}`]],
  ["sign with a claim whose JSON has a name twice", ["sign", "--key", "key.pem", "--claim", 'a:={"b":1,"b":2}']],
  ["sign with a claim twice", ["sign", "--key", "key.pem", "--claim", "a=1", "--claim", "a=2"]],
  ["sign with sub by two options", ["sign", "--key", "key.pem", "--subject", "a", "--claim", "sub=b"]],
  ["sign with exp by two options", ["sign", "--key", "key.pem", "--expires", "1h", "--claim", "exp:=1"]],
  ["sign for no time", ["sign", "--key", "key.pem", "--expires", "0s"]],
  ["sign for more than 30 days", ["sign", "--key", "key.pem", "--expires", "31d"]],
  ["sign for a time without a unit", ["sign", "--key", "key.pem", "--expires", "60"]],
  ["keygen without a file", ["keygen"]],
  ["keygen with an unknown algorithm", ["keygen", "--out", "x.pem", "--alg", CANARY]],
  ["keygen with a kid of two lines", ["keygen", "--out", "x.pem", "--kid", `a\n${CANARY}`]],
  ["inspect with a JWT as an argument", ["inspect", CANARY]],
];
for (const [why, args] of USAGE) {
  Deno.test(`kz jwt refuses ${why}, with status 2 and no echo [S-8.4]`, async () => {
    await using home = await Home.make();
    const { status, stdout, stderr } = await home.kz(["jwt", ...args]);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.ok(!stderr.includes(CANARY), stderr);
  });
}

Deno.test("kz jwt sign sets claims by text and by JSON, and says what a server would miss [S-8.3]", async () => {
  await using home = await Home.make();
  await home.kz(["jwt", "keygen", "--out", "key.pem"]);
  const claims = ["--claim", "text=a,b=c", "--claim", 'deep:={"x":[1,true,null]}', "--claim", "exp:=4102444800"];
  const { stdout, stderr } = await home.kz(["jwt", "sign", "--key", "key.pem", "--claim", "empty=", ...claims]);
  for (const [claim, option] of [["iss", "issuer"], ["sub", "subject"], ["aud", "audience"]]) {
    assert.match(stderr, new RegExp(`without "${claim}"; --${option} sets it`));
  }
  const seen = JSON.parse((await home.kz(["jwt", "inspect"], { stdin: stdout })).stdout);
  const { iat, ...others } = seen.claims;
  assert.deepEqual(others, { empty: "", text: "a,b=c", deep: { x: [1, true, null] }, exp: 4102444800 });
  assert.ok(Math.abs(iat - Date.now() / 1000) < 60);
  assert.equal(seen.times.expires, "2100-01-01T00:00:00.000Z");
});

Deno.test("kz jwt sign makes a JWT of an hour, or of the time that is asked for [S-8.3]", async () => {
  await using home = await Home.make();
  await home.kz(["jwt", "keygen", "--out", "key.pem"]);
  for (
    const [options, seconds] of [[[], 3600], [["--expires", "90s"], 90], [["--expires", "30d"], 2_592_000]] as const
  ) {
    const { stdout } = await home.kz(["jwt", "sign", "--key", "key.pem", ...options]);
    const { claims } = JSON.parse((await home.kz(["jwt", "inspect"], { stdin: stdout })).stdout);
    assert.equal(claims.exp - claims.iat, seconds);
  }
});

const REFUSED: readonly (readonly [why: string, args: readonly string[], code: string])[] = [
  [
    "of another audience",
    ["--issuer", "https://auth.example.com", "--audience", "x", "--subject", "a"],
    "JWT_AUDIENCE_WRONG",
  ],
  [
    "of another issuer",
    ["--issuer", "https://auth.example.com/", "--audience", "keyzero", "--subject", "a"],
    "JWT_ISSUER_UNKNOWN",
  ],
  ["that has expired", [...SIGN, "--claim", "exp:=1"], "JWT_EXPIRED"],
  ["with another kid", [...SIGN, "--kid", "x"], "JWT_KEY_UNKNOWN"],
];
for (const [why, args, code] of REFUSED) {
  Deno.test(`kz jwt inspect says why a bundle refuses a JWT ${why} [S-8.5]`, async () => {
    await using home = await Home.make();
    const { stdout: keys } = await home.kz(["jwt", "keygen", "--out", "key.pem"]);
    await home.write("bundle.yaml", bundleOf(keys));
    const { stdout: jwt } = await home.kz(["jwt", "sign", "--key", "key.pem", ...args]);
    const { status, stdout, stderr } = await home.kz(["jwt", "inspect", "--bundle", "bundle.yaml"], { stdin: jwt });
    assert.equal(status, 4);
    const { verification, identity } = JSON.parse(stdout);
    assert.deepEqual([verification.valid, verification.code, identity], [false, code, undefined]);
    assert.match(stderr, /^kz: a server refuses it: The JWT/);
  });
}

Deno.test("kz jwt inspect refuses what is no JWT, and shows nothing of it [S-8.5]", async () => {
  for (const stdin of [CANARY, `a.b.${CANARY}`, "", `${CANARY}.`.repeat(9000)]) {
    const { status, stdout, stderr } = await kz(["jwt", "inspect"], { stdin });
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.ok(!stderr.includes(CANARY), stderr);
  }
});

Deno.test("kz jwt inspect prints nothing that steers a terminal [S-8.5]", async () => {
  await using home = await Home.make();
  await home.kz(["jwt", "keygen", "--out", "key.pem"]);
  const hostile = "\x1b]0;x\x07\u202e\u2028\u009b2J";
  const { stdout: jwt } = await home.kz(["jwt", "sign", "--key", "key.pem", "--claim", `a=${hostile}`]);
  const { stdout } = await home.kz(["jwt", "inspect"], { stdin: jwt });
  assert.match(stdout, /^[\x20-\x7e\n]+$/);
  assert.equal(JSON.parse(stdout).claims.a, hostile);
});

/** A bundle whose issuer publishes its keys on this machine. */
async function publishing(home: Home, answer: (key: JsonWebKey) => Response) {
  const ca = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await ca.issue(parseHost("keys.example.com"));
  await home.kz(["jwt", "keygen", "--out", "key.pem", "--kid", "k"]);
  const { createPrivateKey, createPublicKey } = await import("node:crypto");
  const key = createPublicKey(createPrivateKey(await Deno.readTextFile(home.file("key.pem"))));
  const jwk = key.export({ format: "jwk" });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} },
    () => answer({ ...jwk, kid: "k" } as JsonWebKey),
  );
  await home.write("ca.pem", ca.certificatePem);
  await home.write(
    "bundle.yaml",
    `${bundleOf("jwks_url: https://keys.example.com/jwks")}network:
  upstream_ca: ./ca.pem
  connect: { keys.example.com: "127.0.0.1:${server.addr.port}" }
`,
  );
  return server;
}

Deno.test("kz jwt inspect fetches an issuer's keys by the bundle [S-8.5]", async () => {
  await using home = await Home.make();
  await using _server = await publishing(home, (key) => Response.json({ keys: [key] }));
  const { stdout: jwt } = await home.kz(["jwt", "sign", "--key", "key.pem", "--kid", "k", ...SIGN]);
  const { status, stdout, stderr } = await home.kz(["jwt", "inspect", "--bundle", "bundle.yaml"], { stdin: jwt });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).verification, { valid: true });
});

Deno.test("kz jwt inspect says that an issuer's keys cannot be fetched, with status 5 [S-8.5]", async () => {
  await using home = await Home.make();
  await using _server = await publishing(home, () => new Response("no", { status: 503 }));
  const { stdout: jwt } = await home.kz(["jwt", "sign", "--key", "key.pem", "--kid", "k", ...SIGN]);
  const { status, stdout, stderr } = await home.kz(["jwt", "inspect", "--bundle", "bundle.yaml"], { stdin: jwt });
  assert.equal(status, 5);
  assert.equal(JSON.parse(stdout).verification.code, "ISSUER_UNAVAILABLE");
  assert.match(stderr, /The host answered with status 503/);
});
