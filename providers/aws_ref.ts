import { AppError } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";

/** Where a secret lives at AWS: Secrets Manager, whole or one key of its JSON, or a parameter of Systems Manager. */
export type AwsRef =
  | { readonly service: "sm"; readonly id: string; readonly jsonKey: string | undefined }
  | { readonly service: "ssm"; readonly name: string };

// A name of Secrets Manager has letters, digits and /_+=.@- ; an ARN also ":". So "#" divides without doubt.
const SECRET_REGEXP = /^sm:\/\/([A-Za-z0-9/_+=.@:-]{1,2048})(?:#(.{1,256}))?$/u;
// A parameter may name a version or label after ":".
const PARAMETER_REGEXP = /^ssm:\/\/([A-Za-z0-9/_.:-]{1,2048})$/;

/**
 * Reads `sm://id`, `sm://id#json-key` or `ssm://name`.
 *
 * A parameter's name in a hierarchy begins with `/` at AWS; `ssm://prod/db` and `ssm:///prod/db` are both `/prod/db`.
 *
 * @throws {AppError} `CONFIG_REF_INVALID`; the message never holds `ref`.
 */
export function parseAwsRef(ref: SecretRef): AwsRef {
  const [, id, jsonKey] = SECRET_REGEXP.exec(ref) ?? [];
  if (id !== undefined) return { service: "sm", id, jsonKey };
  const [, name] = PARAMETER_REGEXP.exec(ref) ?? [];
  if (name !== undefined) {
    const rooted = !name.includes("/") || name.startsWith("/") || name.startsWith("arn:");
    return { service: "ssm", name: rooted ? name : `/${name}` };
  }
  throw new AppError(
    "CONFIG_REF_INVALID",
    'Cannot read reference of provider "aws": "sm://id", "sm://id#json-key" or "ssm://name" is expected',
    { hints: ['Write for example "sm://prod/github-pat" or "ssm://prod/db-password"'] },
  );
}
