import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { type AwsRef, parseAwsRef } from "./aws_ref.ts";

const ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf";
const PARAMETER_ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/prod/db";

const READ: readonly [ref: string, expected: AwsRef][] = [
  ["sm://prod/github-pat", { service: "sm", id: "prod/github-pat", jsonKey: undefined }],
  ["sm://db#password", { service: "sm", id: "db", jsonKey: "password" }],
  ["sm://db#a key#b", { service: "sm", id: "db", jsonKey: "a key#b" }],
  [`sm://${ARN}`, { service: "sm", id: ARN, jsonKey: undefined }],
  ["ssm://token", { service: "ssm", name: "token" }],
  ["ssm://prod/db", { service: "ssm", name: "/prod/db" }],
  ["ssm:///prod/db", { service: "ssm", name: "/prod/db" }],
  ["ssm:///prod/db:3", { service: "ssm", name: "/prod/db:3" }],
  [`ssm://${PARAMETER_ARN}`, { service: "ssm", name: PARAMETER_ARN }],
];
for (const [ref, expected] of READ) {
  Deno.test(`parseAwsRef() reads ${ref}`, () => assert.deepEqual(parseAwsRef(parseSecretRef(ref)), expected));
}

for (const ref of ["canary", "sm://", "ssm://", "sm://#key", "sm://a b", "ssm://a#b", "s3://a", "SM://a", "sm://a#"]) {
  Deno.test(`parseAwsRef() refuses ${ref}`, () => {
    assert.throws(() => parseAwsRef(parseSecretRef(ref)), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "CONFIG_REF_INVALID");
      assert(!error.message.includes("canary"));
      return true;
    });
  });
}
