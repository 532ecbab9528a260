/** A program that uses the AWS SDK as any program does: with the keys of its environment. Run by Node, bundled. */
import { createHash, createHmac } from "node:crypto";
import { request } from "node:https";
import process from "node:process";
import { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const options = { endpoint: "https://api.test", region: "eu-central-1", maxAttempts: 1 };
const s3 = () => new S3Client({ ...options, forcePathStyle: true });
const object = { Bucket: "bucket", Key: "a folder//ein Schlüssel (1)+~.txt" };

const operations: Readonly<Record<string, () => Promise<unknown>>> = {
  identity: async () => (await new STSClient(options).send(new GetCallerIdentityCommand({}))).UserId,
  secret: async () =>
    (await new SecretsManagerClient(options).send(new GetSecretValueCommand({ SecretId: "prod/x" }))).SecretString,
  put: async () => (await s3().send(new PutObjectCommand({ ...object, Body: "small body" }))).ETag,
  stream: async () => {
    const body = Readable.from(["part one, ", "part two, ", "x".repeat(200_000)]);
    return (await s3().send(new PutObjectCommand({ ...object, Body: body, ContentLength: 200_020 }))).ETag;
  },
  get: async () => await (await s3().send(new GetObjectCommand(object))).Body?.transformToString(),
  presigned: async () => {
    const url = await getSignedUrl(s3(), new GetObjectCommand(object), { expiresIn: 60 });
    return await (await fetch(url)).text();
  },
  metadata: async () => {
    const note = process.env.AWS_SECRET_ACCESS_KEY!;
    return await s3().send(new PutObjectCommand({ ...object, Body: "x", Metadata: { note } }));
  },
  tampered: async () => {
    const client = new STSClient(options);
    // The handler is the last to see a request, after the signer.
    const send = client.config.requestHandler.handle.bind(client.config.requestHandler);
    client.config.requestHandler.handle = (signed, ...rest) => send(Object.assign(signed, { path: "/admin" }), ...rest);
    return (await client.send(new GetCallerIdentityCommand({}))).UserId;
  },
  chunks: () => putSignedChunks(["first chunk, ", "y".repeat(70_000), "last chunk"]),
  "changed-chunks": () => putSignedChunks(["first chunk, ", "y".repeat(70_000), "last chunk"], "lost chunk"),
};

/** S3's chunk-signed upload, which the SDK for JavaScript does not make, but others do. */
async function putSignedChunks(chunks: readonly string[], instead?: string): Promise<string> {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const hmac = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
  const { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: secretKey } = process.env;
  const time = new Date().toISOString().replace(/[:-]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/eu-central-1/s3/aws4_request`;
  const key = scope.split("/").reduce<string | Uint8Array>(hmac, `AWS4${secretKey}`);
  const sign = (...lines: string[]) => hmac(key, lines.join("\n")).toString("hex");
  const hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const names = "host;x-amz-content-sha256;x-amz-date";
  const canonical =
    `PUT\n/bucket/chunks\n\nhost:api.test\nx-amz-content-sha256:${hash}\nx-amz-date:${time}\n\n${names}\n${hash}`;
  let before = sign("AWS4-HMAC-SHA256", time, scope, sha256(canonical));
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=${keyId}/${scope}, SignedHeaders=${names}, Signature=${before}`,
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": hash,
    "x-amz-date": time,
    "x-amz-decoded-content-length": String(chunks.join("").length),
  };
  let body = "";
  for (const chunk of [...chunks, ""]) {
    before = sign("AWS4-HMAC-SHA256-PAYLOAD", time, scope, before, sha256(""), sha256(chunk));
    body += `${chunk.length.toString(16)};chunk-signature=${before}\r\n${chunk}\r\n`;
  }
  if (instead !== undefined) body = body.replace(chunks.at(-1)!, instead);
  return await new Promise((resolve, reject) => {
    const sent = request("https://api.test/bucket/chunks", {
      method: "PUT",
      headers: { ...headers, "content-length": body.length },
    }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => text += piece).on(
        "end",
        () => resolve(`${answer.statusCode} ${text}`),
      );
    });
    sent.on("error", reject).end(body);
  });
}

const name = process.argv[2] ?? "";
try {
  console.log(JSON.stringify(await operations[name]!()));
} catch (error) {
  const answer = error as { name?: string; $response?: { statusCode?: number; headers?: Record<string, string> } };
  console.log(JSON.stringify({
    failed: answer.name,
    status: answer.$response?.statusCode,
    code: answer.$response?.headers?.["x-keyzero-error"],
  }));
}
