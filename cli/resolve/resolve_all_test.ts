// Longer than 300 lines: what becomes of every way in which a provider fails, each in a worker of its own.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { type Answer, startFakeAws } from "../../providers/testing/fake_aws.ts";
import { setVariable, temporaryDirectory } from "../../providers/testing/store_of.ts";
import { collectValues } from "./collect_values.ts";
import { checkProvider, putSecret } from "./put_secret.ts";
import { resolveAll, type WantedSecret } from "./resolve_all.ts";

const CANARY = "kz-canary-30b1cc2e";
const utf8 = (text: string) => new TextEncoder().encode(text);

function want(id: string, provider: string, ref: string): WantedSecret {
  return { id, provider, ref: parseSecretRef(ref) };
}

/** Resolves and collects: text by id, and the codes of what failed by id. */
async function resolveText(
  secrets: readonly WantedSecret[],
  providers: Parameters<typeof resolveAll>[1],
  options: Parameters<typeof resolveAll>[2],
): Promise<{ values: Record<string, string>; codes: Record<string, string> }> {
  using outcome = await resolveAll(secrets, providers, options);
  const values = await collectValues(outcome.valuePorts, outcome.found);
  return {
    values: Object.fromEntries([...values].map(([id, bytes]) => [id, new TextDecoder().decode(bytes)])),
    codes: Object.fromEntries(outcome.failed.map(({ id, error }) => [id, error.code])),
  };
}

Deno.test("resolveAll() resolves nothing without a worker", async () => {
  assert.deepEqual(await resolveText([], new Map(), { root: "/" }), { values: {}, codes: {} });
});

Deno.test("resolveAll() resolves over several providers, and lists every failure [F-4.8] [F-5.3] [F-5.4] [F-5.5] [F-9.3]", async () => {
  using directory = temporaryDirectory();
  using _set = setVariable("KZ_TEST_A", `${CANARY} ä\n`);
  using _empty = setVariable("KZ_TEST_EMPTY", "");
  Deno.writeTextFileSync(join(directory.path, "secret"), "from a file\n\n");
  Deno.writeTextFileSync(join(directory.path, "crlf"), "from a file\r\n");
  Deno.writeTextFileSync(join(directory.path, "nul"), `a\0${CANARY}`);
  Deno.writeTextFileSync(join(directory.path, "large"), "x".repeat(65_536) + "\n");
  Deno.writeTextFileSync(join(directory.path, "larger"), "x".repeat(65_537) + "\n");
  Deno.writeTextFileSync(join(directory.path, ".env"), 'A="from\\ndotenv"\n');
  Deno.writeTextFileSync(join(directory.path, "broken"), `A=1\n${CANARY}\n`);
  const secrets = [
    want("env", "env", "KZ_TEST_A"),
    want("envUnset", "env", "KZ_TEST_UNSET"),
    want("envEmpty", "env", "KZ_TEST_EMPTY"),
    want("envBad", "env", "NOT A NAME"),
    want("file", "file", "secret"),
    want("fileCrlf", "file", join(directory.path, "crlf")),
    want("fileNul", "file", "nul"),
    want("fileLarge", "file", "large"),
    want("fileLarger", "file", "larger"),
    want("fileMissing", "file", "missing"),
    want("fileDirectory", "file", "."),
    want("dotenv", "dotenv", ".env#A"),
    want("dotenvKey", "dotenv", ".env#B"),
    want("dotenvBroken", "dotenv", "broken#A"),
    want("unknown", "no-such-provider", "a"),
  ];
  const { values, codes } = await resolveText(secrets, new Map(), { root: directory.path });
  assert.deepEqual(values, {
    env: `${CANARY} ä\n`,
    file: "from a file\n",
    fileCrlf: "from a file",
    fileLarge: "x".repeat(65_536),
    dotenv: "from\ndotenv",
  });
  assert.deepEqual(codes, {
    envUnset: "PROVIDER_SECRET_NOT_FOUND",
    envEmpty: "PROVIDER_VALUE_INVALID",
    envBad: "CONFIG_REF_INVALID",
    fileNul: "PROVIDER_VALUE_INVALID",
    fileLarger: "PROVIDER_VALUE_INVALID",
    fileMissing: "PROVIDER_SECRET_NOT_FOUND",
    fileDirectory: "PROVIDER_UNAVAILABLE",
    dotenvKey: "PROVIDER_SECRET_NOT_FOUND",
    dotenvBroken: "PROVIDER_SOURCE_INVALID",
    unknown: "CONFIG_PROVIDER_UNKNOWN",
  });
});

Deno.test("TM-30 resolveAll() names provider and reference in each failure, and never a value", async () => {
  using directory = temporaryDirectory();
  Deno.writeTextFileSync(join(directory.path, "nul"), `${CANARY}\0`);
  Deno.writeTextFileSync(join(directory.path, "broken"), `A=1\n${CANARY}\n`);
  const secrets = [want("a", "file", "nul"), want("b", "dotenv", "broken#A")];
  using outcome = await resolveAll(secrets, new Map(), { root: directory.path });
  assert.deepEqual(outcome.found, []);
  assert.deepEqual(outcome.valuePorts, []);
  assert.deepEqual(outcome.failed.map(({ error }) => error.message), [
    `Cannot read secret "${
      join(directory.path, "nul")
    }" of provider "file": the value holds a NUL byte, which no variable and no header can carry`,
    `Cannot read secret "${
      join(directory.path, "broken#A")
    }" of provider "dotenv": line 2 of the file is not KEY=VALUE`,
  ]);
  assert(!Deno.inspect(outcome, { depth: 9, showHidden: true }).includes(CANARY));
});

Deno.test({
  name: "resolveAll() reads a file through symbolic links, as mounted secrets are",
  ignore: Deno.build.os === "windows",
  async fn() {
    using directory = temporaryDirectory();
    Deno.mkdirSync(join(directory.path, "..2026"));
    Deno.writeTextFileSync(join(directory.path, "..2026", "token"), "mounted");
    Deno.symlinkSync("..2026", join(directory.path, "..data"));
    Deno.symlinkSync("..data/token", join(directory.path, "token"));
    const { values, codes } = await resolveText([want("a", "file", "token")], new Map(), { root: directory.path });
    assert.deepEqual({ values, codes }, { values: { a: "mounted" }, codes: {} });
  },
});

Deno.test("resolveAll() hands values over on ports that another worker can read after the resolvers have ended", async () => {
  using _a = setVariable("KZ_TEST_A", CANARY);
  using _b = setVariable("KZ_TEST_B", "x".repeat(65_536));
  using outcome = await resolveAll([want("a", "env", "KZ_TEST_A"), want("b", "env", "KZ_TEST_B")], new Map(), {
    root: "/",
  });
  // The resolver is gone by now; some time passes before anybody reads.
  await new Promise((resolve) => setTimeout(resolve, 100));
  using reader = new PortReader();
  assert.deepEqual(await reader.read(outcome.valuePorts, outcome.found.length), [["a", CANARY.length], ["b", 65_536]]);
});

/** A worker that may do nothing, and says how long each value is that comes on a port. */
class PortReader implements Disposable {
  readonly #worker: Worker;

  constructor() {
    const source = `self.onmessage = ({ data: { ports, count } }) => {
      const seen = [];
      for (const port of ports) {
        port.onmessage = ({ data }) => {
          seen.push([data.id, data.bytes.length]);
          if (seen.length === count) self.postMessage(seen.sort());
        };
      }
    };`;
    this.#worker = new Worker(`data:application/javascript,${encodeURIComponent(source)}`, {
      type: "module",
      deno: { permissions: "none" },
    });
  }

  read(ports: readonly MessagePort[], count: number): Promise<unknown> {
    return new Promise((resolve) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.postMessage({ ports, count }, [...ports]);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** An endpoint that never answers, but takes connections. */
function silentEndpoint(): Disposable & { readonly endpoint: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  void (async () => {
    for await (const connection of listener) open.push(connection);
  })();
  return {
    endpoint: `http://127.0.0.1:${listener.addr.port}`,
    [Symbol.dispose]: () => {
      for (const connection of open) connection.close();
      listener.close();
    },
  };
}

/** Credentials for the aws provider that are worth nothing. */
function credentials(): Disposable {
  const scope = new DisposableStack();
  scope.use(setVariable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"));
  scope.use(setVariable("AWS_SECRET_ACCESS_KEY", CANARY));
  scope.use(setVariable("AWS_EC2_METADATA_DISABLED", "true"));
  return scope;
}

Deno.test("resolveAll() ends a provider that does not answer in time, and keeps what the others found", async () => {
  using _credentials = credentials();
  using _set = setVariable("KZ_TEST_A", "a");
  using silent = silentEndpoint();
  const providers = new Map([["aws", { region: "eu-west-1", endpoint: silent.endpoint }]]);
  const secrets = [want("a", "env", "KZ_TEST_A"), want("b", "aws", "sm://b"), want("c", "aws", "ssm://c")];
  const { values, codes } = await resolveText(secrets, providers, { root: "/", timeoutMs: 800 });
  assert.deepEqual(values, { a: "a" });
  assert.deepEqual(codes, { b: "PROVIDER_TIMEOUT", c: "PROVIDER_TIMEOUT" });
});

Deno.test("resolveAll() ends with its signal", async () => {
  using _credentials = credentials();
  using silent = silentEndpoint();
  const providers = new Map([["aws", { region: "eu-west-1", endpoint: silent.endpoint }]]);
  const reason = new Error("the user went away");
  const controller = new AbortController();
  const resolving = resolveAll([want("b", "aws", "sm://b")], providers, { root: "/", signal: controller.signal });
  setTimeout(() => controller.abort(reason), 100);
  await assert.rejects(resolving, reason);
  await assert.rejects(
    resolveAll([want("b", "env", "B")], providers, { root: "/", signal: controller.signal }),
    reason,
  );
});

Deno.test("resolveAll() refuses options that the provider does not have", async () => {
  const { codes } = await resolveText([want("a", "aws", "sm://a")], new Map([["aws", { token: CANARY }]]), {
    root: "/",
  });
  assert.deepEqual(codes, { a: "CONFIG_KEY_UNKNOWN" });
});

Deno.test("resolveAll() and putSecret() reach AWS within the worker's permissions [F-5.6]", async () => {
  using _credentials = credentials();
  const stored = new Map<string, string>();
  await using aws = startFakeAws(({ target, body }): Answer => {
    const { SecretId, SecretString, Name, Value, Names } = body;
    switch (target) {
      case "secretsmanager.PutSecretValue":
        stored.set(String(SecretId), String(SecretString));
        return { reply: {} };
      case "AmazonSSM.PutParameter":
        stored.set(String(Name), String(Value));
        return { reply: {} };
      case "secretsmanager.GetSecretValue":
        return { reply: { Name: SecretId, SecretString: stored.get(String(SecretId)) } };
      case "AmazonSSM.GetParameters":
        assert(Array.isArray(Names));
        return { reply: { Parameters: Names.map((Name) => ({ Name, Value: stored.get(Name) })) } };
      default:
        return { type: "UnknownOperationException" };
    }
  });
  const providers = new Map([["aws", { region: "eu-west-1", endpoint: aws.endpoint }]]);
  for (const ref of ["sm://a", "ssm://b"]) {
    await putSecret({ provider: "aws", ref: parseSecretRef(ref), bytes: utf8(`of ${ref}`) }, providers, { root: "/" });
  }
  await checkProvider("aws", providers, { root: "/" });
  const { values, codes } = await resolveText(
    [want("a", "aws", "sm://a"), want("b", "aws", "ssm://b")],
    providers,
    { root: "/" },
  );
  assert.deepEqual({ values, codes }, { values: { a: "of sm://a", b: "of ssm://b" }, codes: {} });
});

Deno.test("resolveAll() finds region and credentials in the files of a profile, and nothing beyond AWS", async () => {
  using directory = temporaryDirectory();
  using _home = setVariable("HOME", directory.path);
  using _metadata = setVariable("AWS_EC2_METADATA_DISABLED", "true");
  Deno.mkdirSync(join(directory.path, ".aws"));
  Deno.writeTextFileSync(join(directory.path, ".aws", "config"), "[profile work]\nregion = eu-central-1\n");
  Deno.writeTextFileSync(
    join(directory.path, ".aws", "credentials"),
    `[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = ${CANARY}\n`,
  );
  await using aws = startFakeAws(() => ({ reply: { Name: "a", SecretString: "found" } }));
  const providers = new Map([["aws", { profile: "work", endpoint: aws.endpoint }]]);
  const { values, codes } = await resolveText([want("a", "aws", "sm://a")], providers, { root: "/" });
  assert.deepEqual({ values, codes }, { values: { a: "found" }, codes: {} });
  assert.match(aws.seen[0]!.authorization, /Credential=AKIDWORK\/\d{8}\/eu-central-1\/secretsmanager\//);
});

Deno.test("putSecret() stores with the store, clears what it was given, and checkProvider() finds it usable", async () => {
  using directory = temporaryDirectory();
  const providers = new Map([["store", { path: "new/store.age", identity: "file" }]]);
  const options = { root: directory.path };
  for (const text of ["one", "-----BEGIN KEY-----\nü\n-----END KEY-----\n", "x".repeat(65_536)]) {
    const bytes = utf8(text);
    await putSecret({ provider: "store", ref: parseSecretRef("a"), bytes }, providers, options);
    assert(bytes.every((byte) => byte === 0));
    const { values } = await resolveText([want("a", "store", "a")], providers, options);
    assert.deepEqual(values, { a: text });
  }
  await checkProvider("store", providers, options);
  Deno.writeTextFileSync(join(directory.path, "new", "store.age"), "cut");
  await assert.rejects(checkProvider("store", providers, options), { code: "STORE_UNREADABLE" });
});

const REFUSED: readonly [why: string, provider: string, ref: string, value: string, code: string][] = [
  ["an empty value", "store", "a", "", "PROVIDER_VALUE_INVALID"],
  ["a value with NUL", "store", "a", `${CANARY}\0`, "PROVIDER_VALUE_INVALID"],
  ["a value that is too long", "store", "a", "x".repeat(65_537), "PROVIDER_VALUE_INVALID"],
  ["a provider that cannot be written", "env", "A", CANARY, "PROVIDER_READ_ONLY"],
  ["a provider that is not known", "nowhere", "A", CANARY, "CONFIG_PROVIDER_UNKNOWN"],
];
for (const [why, provider, ref, value, code] of REFUSED) {
  Deno.test(`putSecret() refuses ${why}`, async () => {
    using directory = temporaryDirectory();
    const providers = new Map([["store", { path: "store.age", identity: "file" }]]);
    const secret = { provider, ref: parseSecretRef(ref), bytes: utf8(value) };
    await assert.rejects(putSecret(secret, providers, { root: directory.path }), { name: "AppError", code });
    assert(secret.bytes.every((byte) => byte === 0));
    assert.deepEqual([...Deno.readDirSync(directory.path)], []);
  });
}

Deno.test("putSecret() says so when what was written does not read back", async () => {
  using _credentials = credentials();
  await using aws = startFakeAws(() => ({ reply: { Name: "a", SecretString: CANARY } }));
  const providers = new Map([["aws", { region: "eu-west-1", endpoint: aws.endpoint }]]);
  const secret = { provider: "aws", ref: parseSecretRef("sm://a"), bytes: utf8("mine") };
  await assert.rejects(putSecret(secret, providers, { root: "/" }), {
    code: "PROVIDER_WRITE_FAILED",
    message: 'Cannot store secret "sm://a" of provider "aws": it reads back as something else',
  });
});
