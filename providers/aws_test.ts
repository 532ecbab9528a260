import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { createAwsProvider } from "./aws.ts";
import { type Answer, type FakeAws, type SeenRequest, startFakeAws } from "./testing/fake_aws.ts";
import { setVariable } from "./testing/store_of.ts";

const CANARY = "kz-canary-7711fe";
const { signal } = new AbortController();

/** What a test's endpoint holds. */
interface Content {
  readonly secrets?: ReadonlyMap<string, string>;
  readonly parameters?: ReadonlyMap<string, string>;
  /** Operations that answer with an error. */
  readonly errors?: Readonly<Record<string, Exclude<Answer, { reply: unknown }>>>;
}

function strings(value: unknown): string[] {
  assert(Array.isArray(value));
  return value.map(String);
}

/** The published operations, as far as they matter here. */
function answerFrom({ secrets = new Map(), parameters = new Map(), errors = {} }: Content) {
  return ({ target, body }: SeenRequest): Answer => {
    const error = errors[target];
    if (error !== undefined) return error;
    const entry = (id: string) => ({
      ARN: `arn:aws:secretsmanager:eu-west-1:1:secret:${id}-AbCdEf`,
      Name: id,
      SecretString: secrets.get(id),
    });
    switch (target) {
      case "secretsmanager.GetSecretValue": {
        const id = String(body.SecretId);
        return secrets.has(id) ? { reply: entry(id) } : { type: "ResourceNotFoundException" };
      }
      case "secretsmanager.BatchGetSecretValue": {
        const ids = strings(body.SecretIdList);
        return {
          reply: {
            SecretValues: ids.filter((id) => secrets.has(id)).map(entry),
            Errors: ids.filter((id) => !secrets.has(id)).map((id) => ({
              SecretId: id,
              ErrorCode: "ResourceNotFoundException",
              Message: CANARY,
            })),
          },
        };
      }
      case "AmazonSSM.GetParameters": {
        assert.equal(body.WithDecryption, true);
        const names = strings(body.Names);
        return {
          reply: {
            Parameters: names.filter((name) => parameters.has(name)).map((Name) => ({
              Name,
              Type: "SecureString",
              Value: parameters.get(Name),
            })),
            InvalidParameters: names.filter((name) => !parameters.has(name)),
          },
        };
      }
      default:
        return { reply: {} };
    }
  };
}

/** Credentials of the environment, and a region. */
function credentials(): Disposable {
  const scope = new DisposableStack();
  scope.use(setVariable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"));
  scope.use(setVariable("AWS_SECRET_ACCESS_KEY", CANARY));
  scope.use(setVariable("AWS_EC2_METADATA_DISABLED", "true"));
  scope.use(setVariable("AWS_CONFIG_FILE", "/nonexistent"));
  scope.use(setVariable("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"));
  return scope;
}

async function resolve(aws: FakeAws, refs: readonly string[]): Promise<(string | AppError)[]> {
  const provider = createAwsProvider({ endpoint: aws.endpoint, region: "eu-west-1" });
  const requests = refs.map((ref) => ({ id: ref, ref: parseSecretRef(ref) }));
  const resolutions = await provider.resolve(requests, { signal });
  return resolutions.map((resolution, index) => {
    assert.equal(resolution.id, refs[index]);
    if ("bytes" in resolution) return new TextDecoder().decode(resolution.bytes);
    assert(resolution.error instanceof AppError);
    return resolution.error;
  });
}

Deno.test("createAwsProvider() signs each request for its region and service [F-5.6]", async () => {
  using _credentials = credentials();
  await using aws = startFakeAws(answerFrom({ secrets: new Map([["a", "1"]]), parameters: new Map([["b", "2"]]) }));
  assert.deepEqual(await resolve(aws, ["sm://a", "ssm://b"]), ["1", "2"]);
  const seen = aws.seen.toSorted((one, other) => one.target < other.target ? -1 : 1);
  assert.deepEqual(seen.map(({ target }) => target), ["AmazonSSM.GetParameters", "secretsmanager.GetSecretValue"]);
  for (const [index, service] of ["ssm", "secretsmanager"].entries()) {
    const { authorization, contentType } = seen[index]!;
    assert.equal(contentType, "application/x-amz-json-1.1");
    assert.match(
      authorization,
      new RegExp(
        `^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\\d{8}/eu-west-1/${service}/aws4_request, ` +
          "SignedHeaders=[a-z0-9;-]*host;[a-z0-9;-]*x-amz-target[a-z0-9;-]*, Signature=[0-9a-f]{64}$",
      ),
    );
    assert(!authorization.includes(CANARY));
  }
});

Deno.test("createAwsProvider() reads many secrets in batches of 20, each id once, and finds each missing one", async () => {
  using _credentials = credentials();
  const secrets = new Map(Array.from({ length: 24 }, (_, n) => [`s${n}`, JSON.stringify({ key: `v${n}`, port: n })]));
  await using aws = startFakeAws(answerFrom({ secrets }));
  const refs = [...secrets.keys()].flatMap((id) => [`sm://${id}#key`, `sm://${id}#port`]);
  const answers = await resolve(aws, [...refs, "sm://missing"]);
  assert.deepEqual(answers.slice(0, -1), [...secrets.keys()].flatMap((_, n) => [`v${n}`, `${n}`]));
  const missing = answers.at(-1);
  assert(missing instanceof AppError);
  assert.equal(missing.code, "PROVIDER_SECRET_NOT_FOUND");
  assert.deepEqual(aws.seen.map(({ body }) => strings(body.SecretIdList).length).sort(), [20, 5]);
});

Deno.test("createAwsProvider() reads parameters in batches of 10, decrypted", async () => {
  using _credentials = credentials();
  const parameters = new Map(Array.from({ length: 21 }, (_, n) => [`/p/${n}`, `v${n}`]));
  await using aws = startFakeAws(answerFrom({ parameters }));
  const answers = await resolve(aws, [...[...parameters.keys()].map((name) => `ssm://${name}`), "ssm://missing"]);
  assert.deepEqual(answers.slice(0, -1), [...parameters.values()]);
  assert(answers.at(-1) instanceof AppError);
  assert.deepEqual(aws.seen.map(({ body }) => strings(body.Names).length).sort(), [10, 10, 2]);
});

for (const type of ["AccessDeniedException", "UnknownOperationException"]) {
  Deno.test(`createAwsProvider() reads secrets one by one where a batch gets ${type}`, async () => {
    using _credentials = credentials();
    const errors = { "secretsmanager.BatchGetSecretValue": { type } };
    await using aws = startFakeAws(answerFrom({ secrets: new Map([["a", "1"], ["b", "2"]]), errors }));
    assert.deepEqual(await resolve(aws, ["sm://a", "sm://b"]), ["1", "2"]);
    assert.equal(aws.seen.length, 3);
  });
}

Deno.test("createAwsProvider() reads parameters one by one where one of them is denied", async () => {
  using _credentials = credentials();
  const content = answerFrom({ parameters: new Map([["a", "1"], ["b", "2"]]) });
  await using aws = startFakeAws((request) =>
    strings(request.body.Names).includes("b") ? { type: "AccessDeniedException" } : content(request)
  );
  const [a, b] = await resolve(aws, ["ssm://a", "ssm://b"]);
  assert.equal(a, "1");
  assert(b instanceof AppError && b.code === "PROVIDER_ACCESS_DENIED");
});

const JSON_KEYS: readonly [why: string, content: string, key: string, code: string][] = [
  ["is not JSON", CANARY, "a", "PROVIDER_SOURCE_INVALID"],
  ["is a list", `["${CANARY}"]`, "0", "PROVIDER_SOURCE_INVALID"],
  ["lacks the key", `{"a":"${CANARY}"}`, "b", "PROVIDER_SECRET_NOT_FOUND"],
  ["has an inherited name only", `{"a":"${CANARY}"}`, "toString", "PROVIDER_SECRET_NOT_FOUND"],
  ["has a table at the key", `{"a":{"b":"${CANARY}"}}`, "a", "PROVIDER_SECRET_NOT_FOUND"],
];
for (const [why, content, key, code] of JSON_KEYS) {
  Deno.test(`createAwsProvider() refuses a key of a secret that ${why}, without its content`, async () => {
    using _credentials = credentials();
    await using aws = startFakeAws(answerFrom({ secrets: new Map([["s", content]]) }));
    const [error] = await resolve(aws, [`sm://s#${key}`]);
    assert(error instanceof AppError);
    assert.equal(error.code, code);
    assert(!`${error.message}${error.hints}`.includes(CANARY));
  });
}

const ERRORS: readonly [type: string, code: string, state: RegExp][] = [
  ["ResourceNotFoundException", "PROVIDER_SECRET_NOT_FOUND", /no such secret/],
  ["AccessDeniedException", "PROVIDER_ACCESS_DENIED", /denies access/],
  ["DecryptionFailure", "PROVIDER_ACCESS_DENIED", /denies access/],
  ["UnrecognizedClientException", "PROVIDER_ACCESS_DENIED", /does not accept the credentials/],
  ["ExpiredTokenException", "PROVIDER_ACCESS_DENIED", /does not accept the credentials/],
  ["InvalidRequestException", "PROVIDER_UNAVAILABLE", /state/],
  ["SomethingNewException", "PROVIDER_UNAVAILABLE", /refused the request/],
];
for (const [type, code, state] of ERRORS) {
  Deno.test(`createAwsProvider() says ${code} for ${type}`, async () => {
    using _credentials = credentials();
    await using aws = startFakeAws(answerFrom({ errors: { "secretsmanager.GetSecretValue": { type } } }));
    const [error] = await resolve(aws, ["sm://a"]);
    assert(error instanceof AppError);
    assert.equal(error.code, code);
    assert.match(error.message, /^Cannot read secret "sm:\/\/a" of provider "aws": /);
    assert.match(error.message, state);
    assert(!`${error.message}${error.hints}`.includes("kz-canary"));
  });
}

Deno.test("createAwsProvider() says that an endpoint cannot be reached", async () => {
  using _credentials = credentials();
  const aws = startFakeAws(() => ({ reply: {} }));
  await aws[Symbol.asyncDispose]();
  const [error] = await resolve(aws, ["sm://a"]);
  assert(error instanceof AppError);
  assert.equal(error.code, "PROVIDER_UNAVAILABLE");
  assert.match(error.message, /cannot be reached/);
});

Deno.test("createAwsProvider() says that there are no credentials, or no region", async () => {
  using _credentials = credentials();
  await using aws = startFakeAws(answerFrom({ secrets: new Map([["a", "1"]]) }));
  const noRegion = createAwsProvider({ endpoint: aws.endpoint });
  await assert.rejects(noRegion.check({ signal }), { code: "PROVIDER_UNAVAILABLE", message: /no AWS region/ });
  Deno.env.delete("AWS_ACCESS_KEY_ID");
  const [error] = await resolve(aws, ["sm://a"]);
  assert(error instanceof AppError);
  assert.equal(error.code, "PROVIDER_UNAVAILABLE");
  assert.match(error.message, /no AWS credentials/);
  const provider = createAwsProvider({ endpoint: aws.endpoint, region: "eu-west-1" });
  await assert.rejects(provider.check({ signal }), { code: "PROVIDER_UNAVAILABLE", message: /no AWS credentials/ });
});

Deno.test("createAwsProvider() stores a new version, a new secret, a key of a secret, and a parameter", async () => {
  using _credentials = credentials();
  const secrets = new Map([["json", '{"a":"1","b":"2"}']]);
  const content = answerFrom({ secrets });
  await using aws = startFakeAws((request) =>
    request.target === "secretsmanager.PutSecretValue" && request.body.SecretId === "new"
      ? { type: "ResourceNotFoundException" }
      : content(request)
  );
  const provider = createAwsProvider({ endpoint: aws.endpoint, region: "eu-west-1" });
  const put = (ref: string) => provider.put!(parseSecretRef(ref), new TextEncoder().encode("välue\n"), { signal });
  for (const ref of ["sm://old", "sm://new", "sm://json#b", "ssm://p/q"]) await put(ref);
  const sent = aws.seen.map(({ target, body: { ClientRequestToken: _, ...rest } }) => [target, rest]);
  assert.deepEqual(sent, [
    ["secretsmanager.PutSecretValue", { SecretId: "old", SecretString: "välue\n" }],
    ["secretsmanager.PutSecretValue", { SecretId: "new", SecretString: "välue\n" }],
    ["secretsmanager.CreateSecret", { Name: "new", SecretString: "välue\n" }],
    ["secretsmanager.GetSecretValue", { SecretId: "json" }],
    ["secretsmanager.PutSecretValue", { SecretId: "json", SecretString: '{"a":"1","b":"välue\\n"}' }],
    ["AmazonSSM.PutParameter", { Name: "/p/q", Value: "välue\n", Type: "SecureString", Overwrite: true }],
  ]);
});
