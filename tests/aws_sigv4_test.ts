/**
 * AWS clients in a blind run, against a local endpoint that checks every signature with the real keys, by an implementation
 * that shares nothing with the proxy. The clients hold masked keys.
 */
// Longer than 300 lines: each form of a signature with the real SDK, against an endpoint that verifies.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { type CheckedRequest, checkRequest, decodeAwsChunked } from "./support/aws_endpoint.ts";
import { type BlindProject, makeBlindProject } from "./support/blind_project.ts";
import { ROOT } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary } from "./support/project.ts";

// requirement: P-7.1

const KEYS = {
  accessKeyId: "AKIA3CANARYKEYID4567",
  secretAccessKey: makeCanary("aws/secret+key"),
  sessionToken: makeCanary("aws//session+token=="),
};
const SOURCES = { SOURCE_A: KEYS.accessKeyId, SOURCE_B: KEYS.secretAccessKey, SOURCE_C: KEYS.sessionToken };

interface AwsRun extends AsyncDisposable {
  readonly project: BlindProject;
  readonly checked: readonly CheckedRequest[];
  run(command: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }>;
}

/** @param hosts Of the secret key, as in the configuration. */
async function awsRun({ session = true, hosts = "" } = {}): Promise<AwsRun> {
  const checked: CheckedRequest[] = [];
  const project = await makeBlindProject({
    secrets: `AWS_ACCESS_KEY_ID = { provider = "env", ref = "SOURCE_A" }
AWS_SECRET_ACCESS_KEY = { provider = "env", ref = "SOURCE_B"${hosts} }
${session ? 'AWS_SESSION_TOKEN = { provider = "env", ref = "SOURCE_C" }' : ""}`,
    respond: (request, body) => {
      const found = checkRequest(request, body, KEYS);
      checked.push(found);
      return answer(found);
    },
  });
  return {
    project,
    checked,
    run: async (command) => {
      const result = await project.blind(command, { env: SOURCES });
      for (const value of [KEYS.secretAccessKey, KEYS.sessionToken, KEYS.accessKeyId]) {
        assertNoLeak(value, result.stdout + result.stderr, "the client's output");
      }
      return result;
    },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

/** What AWS answers, in each service's form; the caller's name holds the real key id. */
function answer({ fault, service, method, body }: CheckedRequest): Response {
  if (fault !== undefined) {
    return new Response(`<Error><Code>${fault}</Code><AWSAccessKeyId>${KEYS.accessKeyId}</AWSAccessKeyId></Error>`, {
      status: 403,
    });
  }
  if (service === "secretsmanager") {
    return Response.json({ Name: "prod/x", SecretString: "from the endpoint" }, {
      headers: { "content-type": "application/x-amz-json-1.1" },
    });
  }
  if (service === "s3") {
    return method === "PUT" ? new Response(null, { headers: { etag: '"tag"' } }) : new Response("the object");
  }
  const result = `<UserId>${KEYS.accessKeyId}</UserId><Account>1</Account><Arn>arn:aws:iam::1:user/x</Arn>`;
  return new Response(
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${result}` +
      `</GetCallerIdentityResult></GetCallerIdentityResponse><!-- ${body.length} -->`,
    { headers: { "content-type": "text/xml" } },
  );
}

let bundled: Promise<string> | undefined;

/** The client with the SDK in it, as one file for Node. */
function client(): Promise<string> {
  return bundled ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "kz-aws-" });
    try {
      const file = `${directory}/aws_client.mjs`;
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "bundle",
          "--quiet",
          "--no-check",
          "--platform",
          "deno",
          "-o",
          file,
          `${ROOT}tests/testdata/aws_client.ts`,
        ],
        cwd: ROOT,
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return await Deno.readTextFile(file);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  })();
}

const NODE = hasProgram("node");

async function sdk(aws: AwsRun, operation: string, variables = ""): Promise<{ output: unknown; stderr: string }> {
  await aws.project.project.write("aws_client.mjs", await client());
  const { stdout, stderr } = await aws.run(["sh", "-c", `${variables} exec node aws_client.mjs ${operation}`]);
  return { output: JSON.parse(stdout), stderr };
}

const MASKED_REGEXP = /^(?:kz_masked_[0-9a-f]{32}|AKIA[A-Z0-9]{16})$/;

const OPERATIONS: readonly [
  operation: string,
  expected: unknown,
  sent: Partial<CheckedRequest> & { hash?: string | RegExp },
][] = [
  ["secret", "from the endpoint", { service: "secretsmanager", signedIn: "header", hash: /^[0-9a-f]{64}$/ }],
  ["put", '"tag"', { service: "s3", signedIn: "header", body: "small body" }],
  ["stream", '"tag"', { service: "s3", signedIn: "header", hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER" }],
  ["get", "the object", { service: "s3", signedIn: "header" }],
  ["presigned", "the object", { service: "s3", signedIn: "query" }],
  ["chunks", "200 ", { service: "s3", signedIn: "header", hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" }],
];
for (const session of [true, false]) {
  for (const [operation, expected, { hash, ...sent }] of OPERATIONS) {
    Deno.test({
      name: `the AWS SDK with ${session ? "temporary" : "lasting"} masked keys: ${operation}`,
      ignore: !NODE,
      fn: async () => {
        await using aws = await awsRun({ session });
        const { output, stderr } = await sdk(aws, operation);
        const [request] = aws.checked;
        assert.deepEqual(output, expected, stderr);
        assert.equal(aws.checked.length, 1);
        assert.equal(request?.fault, undefined);
        for (const [key, value] of Object.entries(sent)) {
          assert.equal((request as unknown as Record<string, unknown>)[key], value);
        }
        if (hash !== undefined) assert.match(request?.headers["x-amz-content-sha256"] ?? "", new RegExp(hash));
      },
    });
  }
}

Deno.test({
  name: "the AWS SDK with masked keys reads its own key id as the token it holds",
  ignore: !NODE,
  fn: async () => {
    await using aws = await awsRun();
    const { output, stderr } = await sdk(aws, "identity");
    assert.match(String(output), MASKED_REGEXP, stderr);
    assert.equal(aws.checked[0]?.fault, undefined);
    assert.equal(aws.checked[0]?.headers["x-amz-security-token"], KEYS.sessionToken);
  },
});

Deno.test({
  name: "the AWS SDK streams an upload, whose chunks and checksum arrive as they were",
  ignore: !NODE,
  fn: async () => {
    await using aws = await awsRun();
    await sdk(aws, "stream");
    const { body, target } = aws.checked[0]!;
    assert.equal(decodeAwsChunked(body), `part one, part two, ${"x".repeat(200_000)}`);
    assert.match(body, /\r\n0\r\nx-amz-checksum-crc32:[A-Za-z0-9+/]+=*\r\n\r\n$/);
    assert.match(target, /^\/bucket\/a%20folder\/\/ein%20Schl%C3%BCssel%20%281%29%2B~\.txt/);
  },
});

Deno.test({
  name: "an upload in signed chunks arrives with each chunk signed by the real key",
  ignore: !NODE,
  fn: async () => {
    await using aws = await awsRun({ session: false });
    await sdk(aws, "chunks");
    const { body, headers } = aws.checked[0]!;
    assert.equal(decodeAwsChunked(body), `first chunk, ${"y".repeat(70_000)}last chunk`);
    const scope = `${headers["x-amz-date"]!.slice(0, 8)}/eu-central-1/s3/aws4_request`;
    const hmac = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
    const key = scope.split("/").reduce<string | Uint8Array>(hmac, `AWS4${KEYS.secretAccessKey}`);
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    let before = /Signature=([0-9a-f]{64})$/.exec(headers["authorization"]!)![1]!;
    const signatures = ["first chunk, ", "y".repeat(70_000), "last chunk", ""].map((chunk) => {
      const lines = ["AWS4-HMAC-SHA256-PAYLOAD", headers["x-amz-date"], scope, before, sha256(""), sha256(chunk)];
      return before = hmac(key, lines.join("\n")).toString("hex");
    });
    assert.deepEqual(
      Array.from(body.matchAll(/;chunk-signature=([0-9a-f]{64})\r\n/g), ([, found]) => found),
      signatures,
    );
  },
});

const REFUSED: readonly [
  why: string,
  operation: string,
  variables: string,
  hosts: string,
  code: string,
  secret: string,
][] = [
  [
    "a request that was changed after it was signed",
    "tampered",
    "",
    "",
    "PROXY_AWS_SIGNATURE_INVALID",
    "AWS_ACCESS_KEY_ID",
  ],
  [
    "a secret key of the program's own",
    "identity",
    "AWS_SECRET_ACCESS_KEY=own",
    "",
    "PROXY_AWS_SIGNATURE_INVALID",
    "AWS_ACCESS_KEY_ID",
  ],
  [
    "TM-15 a host that the secret key is not bound to",
    "identity",
    "",
    ', hosts = ["other.test"]',
    "POLICY_SECRET_HOST_DENIED",
    "AWS_SECRET_ACCESS_KEY",
  ],
  [
    "TM-04 the secret key in an object's metadata",
    "metadata",
    "",
    "",
    "PROXY_TOKEN_MISPLACED",
    "AWS_SECRET_ACCESS_KEY",
  ],
];
for (const [why, operation, variables, hosts, code, secret] of REFUSED) {
  Deno.test({
    name: `signing with masked AWS keys refuses ${why}`,
    ignore: !NODE,
    fn: async () => {
      await using aws = await awsRun({ hosts });
      const { output, stderr } = await sdk(aws, operation, variables);
      assert.deepEqual(output, { ...(output as object), status: 403, code });
      assert.match(stderr, new RegExp(`refused\\[${code}\\].*\\(secret ${secret}\\)`));
      // The program learns no more than the code.
      assert.ok(!JSON.stringify(output).includes(secret));
      assert.deepEqual(aws.checked, []);
    },
  });
}

Deno.test({
  name: "signing with masked AWS keys cuts an upload off whose chunk was changed after it was signed",
  ignore: !NODE,
  fn: async () => {
    await using aws = await awsRun();
    const { output } = await sdk(aws, "changed-chunks");
    assert.match(JSON.stringify(output), /PROXY_AWS_SIGNATURE_INVALID|failed/);
    // The endpoint never saw a whole request.
    assert.deepEqual(aws.checked, []);
  },
});

Deno.test({
  name: "curl --aws-sigv4 with masked keys, whose body is hashed by nobody but the signature",
  ignore: Deno.build.os === "windows" || !hasProgram("curl"),
  fn: async () => {
    await using aws = await awsRun();
    const { stdout, stderr } = await aws.run([
      "sh",
      "-c",
      `curl -sS --aws-sigv4 aws:amz:eu-central-1:sts --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
        -H "X-Amz-Security-Token: $AWS_SESSION_TOKEN" -d "Action=GetCallerIdentity&Version=2011-06-15" https://api.test/`,
    ]);
    assert.match(stdout, /<UserId>(?:kz_masked_|AKIA)/, stderr);
    assert.equal(aws.checked[0]?.fault, undefined);
    assert.equal(aws.checked[0]?.headers["x-amz-content-sha256"], undefined);
  },
});

Deno.test({
  name: "botocore with masked keys, through the credentials of its environment",
  ignore: !hasPythonModule("botocore"),
  fn: async () => {
    await using aws = await awsRun();
    const script = `
import botocore.session
session = botocore.session.get_session()
make = lambda service: session.create_client(service, region_name="eu-central-1", endpoint_url="https://api.test")
print(make("sts").get_caller_identity()["UserId"])
print(make("s3").put_object(Bucket="b", Key="k (1)//x", Body=b"body")["ETag"])
print(make("secretsmanager").get_secret_value(SecretId="x")["SecretString"])
`;
    const { stdout, stderr } = await aws.run(["python3", "-c", script]);
    assert.match(stdout, /^(?:kz_masked_|AKIA)\w+\n"tag"\nfrom the endpoint\n$/, stderr);
    assert.deepEqual(aws.checked.map(({ service, fault }) => [service, fault]), [
      ["sts", undefined],
      ["s3", undefined],
      ["secretsmanager", undefined],
    ]);
  },
});

function hasPythonModule(name: string): boolean {
  if (!hasProgram("python3")) return false;
  return new Deno.Command("python3", { args: ["-c", `import ${name}`], stdout: "null", stderr: "null" }).outputSync()
    .success;
}
