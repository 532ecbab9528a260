import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { KZ_BINARY } from "./support/kz.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";

const WINDOWS = Deno.build.os === "windows";
/** A POSIX shell prints a variable; what runs in it is not what is tested. */
const PRINT = ["sh", "-c", 'printf %s "$CANARY"'];

/** Each needs modules that only dynamic imports and worker URLs name: what a build loses first. */
const ENV_SECRET = '[secrets]\nCANARY = { provider = "env", ref = "CALLERS" }\n';
const STORE_SECRET = '[secrets]\nCANARY = { provider = "store", ref = "canary" }\n';
const AWS_SECRET = `[secrets]
CANARY = { provider = "aws", ref = "ssm://canary" }
[providers.aws]
region = "eu-central-1"
endpoint = "http://127.0.0.1:9"
`;

function binaryTest(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name: `the executable ${name} [F-7.1]`, ignore: KZ_BINARY === undefined || ignore, fn });
}

binaryTest("prints its version", async () => {
  await using project = await makeProject();
  assert.deepEqual(await project.kz(["--version"]), { status: 0, stdout: `kz ${config.version}\n`, stderr: "" });
});

binaryTest("starts a resolver worker", async () => {
  await using project = await makeProject({ toml: ENV_SECRET });
  const canary = makeCanary();
  const result = await project.kz(["run", "--", ...PRINT], { env: { CALLERS: canary } });
  assert.deepEqual(result, { status: 0, stdout: canary, stderr: "" });
}, WINDOWS);

binaryTest("starts a proxy worker", async () => {
  await using project = await makeProject({ toml: ENV_SECRET });
  const canary = makeCanary();
  const { status, stdout, stderr } = await project.kz(["run", "--blind", "--", ...PRINT], { env: { CALLERS: canary } });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^kz_masked_[0-9a-f]{32}$/);
  assertNoLeak(canary, stdout + stderr, "the output");
}, WINDOWS);

binaryTest("holds the age library", async () => {
  await using project = await makeProject({ toml: STORE_SECRET });
  const canary = makeCanary();
  const put = await project.kz(["put", "CANARY", "--stdin"], { stdin: canary });
  assert.equal(put.status, 0, put.stderr);
  assert.equal((await project.kz(["run", "--", ...PRINT])).stdout, canary);
}, WINDOWS);

binaryTest("holds the AWS clients", async () => {
  await using project = await makeProject({ toml: AWS_SECRET });
  const env = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: makeCanary(), AWS_MAX_ATTEMPTS: "1" };
  const { status, stderr } = await project.kz(["run", "--", ...PRINT], { env });
  assert.equal(status, 5, stderr);
  assert.match(stderr, /error\[PROVIDER_/);
  assertNoLeak(env.AWS_SECRET_ACCESS_KEY, stderr, "standard error");
}, WINDOWS);
