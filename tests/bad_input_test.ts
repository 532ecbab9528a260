/** Bad input of every kind gets a clear error, and loses nothing. */
import assert from "node:assert/strict";
import { assertNoLeak, makeCanary, makeProject, type Project } from "./support/project.ts";
import { withoutDeno } from "./support/without_deno.ts";

const UNIX = Deno.build.os !== "windows";
const STORE = '[secrets]\nTOKEN = { provider = "store", ref = "token" }\n[providers.store]\npath = "secrets.age"\n';

/** Every error is a line with its code, its causes, an empty line and what to do. */
function assertError(stderr: string, code: string): void {
  assert.match(
    withoutDeno(stderr),
    new RegExp(`^error\\[${code}\\]: Cannot .+\\n(cause: .+\\n)*(\\n(hint: .+\\n)+)?$`),
  );
}

const CANARY = makeCanary();
const broken: [why: string, toml: string, line: number, code: string][] = [
  ["a table that is not closed", "[secrets]\n[secrets.TOKEN\n", 2, "CONFIG_SYNTAX_INVALID"],
  [
    "a string that is not closed",
    `[secrets]\nTOKEN = { provider = "env", ref = "${CANARY} }\n`,
    2,
    "CONFIG_SYNTAX_INVALID",
  ],
  ["a value where a key should be", `[secrets]\n${CANARY}\n`, 2, "CONFIG_SYNTAX_INVALID"],
  ["a key twice", `[secrets]\nA = { provider = "env", ref = "A" }\nA = "${CANARY}"\n`, 3, "CONFIG_SYNTAX_INVALID"],
  ["a secret in place of its reference", `[secrets]\nA = { value = "${CANARY}" }\n`, 2, "CONFIG_KEY_UNKNOWN"],
  ["a type that is wrong", `[secrets]\nA = [\n"${CANARY}"]\n`, 2, "CONFIG_TYPE_INVALID"],
];
for (const [why, toml, line, code] of broken) {
  for (const args of [["run", "--", "touch", "started"], ["run", "--blind", "--", "touch", "started"], ["status"]]) {
    Deno.test(`kz ${args.slice(0, 2).join(" ")} refuses a configuration with ${why} and does not echo it [F-9.1]`, async () => {
      await using project = await makeProject({ toml });
      const { status, stdout, stderr } = await project.kz(args);
      assert.equal(status, 3, stderr);
      assert.ok(withoutDeno(stderr).startsWith(`error[${code}]: `), stderr);
      assert.ok(stderr.includes(`.keyzero.toml:${line}`), stderr);
      assertNoLeak(CANARY, stdout + stderr, "the message");
      assert.equal(await Deno.readTextFile(`${project.dir}/.keyzero.toml`), toml);
      await assert.rejects(Deno.stat(`${project.dir}/started`), Deno.errors.NotFound);
    });
  }
}

Deno.test("kz run refuses an unknown provider and names the nearest [F-9.2]", async () => {
  await using project = await makeProject({ toml: '[secrets]\nA = { provider = "keychian", ref = "a" }\n' });
  for (const flags of [[], ["--blind"]]) {
    const { status, stderr } = await project.kz(["run", ...flags, "--", "true"]);
    assert.equal(status, 3);
    assertError(stderr, "CONFIG_PROVIDER_UNKNOWN");
    assert.match(stderr, /\.keyzero\.toml:2[\s\S]*"keychain"/);
  }
});

const missing: [provider: string, ref: string][] = [
  ["env", "NOT_SET"],
  ["file", "no-such-file"],
  ["dotenv", "no-such.env#KEY"],
  ["store", "no-such-item"],
];
for (const [provider, ref] of missing) {
  Deno.test(`kz run says which secret of provider ${provider} is missing, and what to do [F-9.3]`, async () => {
    await using project = await makeProject({ toml: `[secrets]\nA = { provider = "${provider}", ref = "${ref}" }\n` });
    const { status, stderr } = await project.kz(["run", "--", "true"]);
    assert.equal(status, 5);
    assertError(stderr, "PROVIDER_SECRET_NOT_FOUND");
    assert.match(stderr, /\nhint: /);
    assert.ok(stderr.includes(ref.split("#").at(-1)!), stderr);
  });
}

/** A store with one item, and what it holds. */
async function withStore(env: Record<string, string> = {}): Promise<{ project: Project; value: string; path: string }> {
  const project = await makeProject({ toml: STORE });
  const value = makeCanary();
  const { status, stderr } = await project.kz(["put", "TOKEN", "--stdin"], { stdin: value, env });
  assert.equal(status, 0, stderr);
  return { project, value, path: `${project.dir}/secrets.age` };
}

/** Runs what reads the store and what writes it. Neither may work, and the store stays as it is. */
async function assertRefused(
  { project, value, path }: Awaited<ReturnType<typeof withStore>>,
  { code, env = {} }: { code: string; env?: Record<string, string> },
): Promise<void> {
  const before = await bytesOf(path);
  for (const args of [["run", "--", "true"], ["run", "--blind", "--", "true"], ["put", "TOKEN", "--stdin"]]) {
    const { status, stdout, stderr } = await project.kz(args, { stdin: "another value", env });
    assert.equal(status, 5, stderr);
    assertError(stderr, code);
    assertNoLeak(value, stdout + stderr, "the message");
    assert.deepEqual(await bytesOf(path), before, "the store was changed");
  }
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  return (await Deno.stat(path)).isFile && (await Deno.stat(path)).mode! & 0o400
    ? await Deno.readFile(path)
    : undefined;
}

const damages: [why: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["empty", () => new Uint8Array(0)],
  ["cut off", (bytes) => bytes.slice(0, bytes.length - 20)],
  ["changed in one bit", (bytes) => bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)],
  ["something else", () => new TextEncoder().encode("API_TOKEN=abc\n")],
];
for (const [why, damage] of damages) {
  Deno.test(`kz does not read or overwrite a store that is ${why} [F-9.4]`, async () => {
    const store = await withStore();
    await using _ = store.project;
    await Deno.writeFile(store.path, damage(await Deno.readFile(store.path)));
    await assertRefused(store, { code: "STORE_UNREADABLE" });
  });
}

Deno.test("kz does not read or replace a store whose path is a directory [F-9.4]", async () => {
  const store = await withStore();
  await using _ = store.project;
  await Deno.rename(store.path, `${store.path}.old`);
  await Deno.mkdir(store.path);
  await assertRefused(store, { code: "STORE_UNREADABLE" });
});

Deno.test({
  name: "kz says that it may not read a store [F-9.4]",
  // Nothing is unreadable to the superuser.
  ignore: !UNIX || Deno.uid() === 0,
  async fn() {
    const store = await withStore();
    await using _ = store.project;
    await Deno.chmod(store.path, 0o000);
    await assertRefused(store, { code: "STORE_UNREADABLE" });
  },
});

Deno.test("kz says that a store's identity is gone, and makes no other [F-9.4]", async () => {
  const store = await withStore();
  await using _ = store.project;
  for await (const { name } of Deno.readDir(store.project.dir)) {
    if (name.startsWith("secrets.") && name !== "secrets.age") await Deno.remove(`${store.project.dir}/${name}`);
  }
  await assertRefused(store, { code: "STORE_IDENTITY_MISSING" });
});

Deno.test("kz refuses a wrong passphrase, and one that is not given [F-9.5]", async () => {
  const right = { KEYZERO_PASSPHRASE: makeCanary("right") };
  const store = await withStore(right);
  await using _ = store.project;
  const wrong = { KEYZERO_PASSPHRASE: makeCanary("wrong") };
  await assertRefused(store, { code: "STORE_PASSPHRASE_WRONG", env: wrong });
  await assertRefused(store, { code: "STORE_PASSPHRASE_MISSING" });
  const { stdout } = await store.project.kz(["run", "--", "printenv", "TOKEN"], { env: right });
  assert.equal(stdout, `${store.value}\n`);
});

const roots: [why: string, content: string | undefined][] = [
  ["is not there", undefined],
  ["holds no certificate", "nothing\n"],
  ["holds a certificate that is not one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
];
for (const [why, content] of roots) {
  Deno.test(`kz run --blind does not start with an upstream_ca that ${why} [F-6.10]`, async () => {
    await using project = await makeProject({
      toml: '[secrets]\n[blind]\nupstream_ca = "roots.pem"\n',
      files: content === undefined ? {} : { "roots.pem": content },
    });
    const { status, stderr } = await project.kz(["run", "--blind", "--", "touch", "started"]);
    assert.equal(status, 3, stderr);
    assertError(stderr, "CONFIG_UPSTREAM_CA_INVALID");
    await assert.rejects(Deno.stat(`${project.dir}/started`), Deno.errors.NotFound);
  });
}
