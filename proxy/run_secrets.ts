import { AppError } from "../policy/error.ts";
import { maskValue } from "../policy/mask.ts";
import { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { type AwsKeyTable, pairAwsKeys, plainPlaces } from "./aws_sigv4/aws_keys.ts";
import type { ProxySecret } from "./protocol.ts";
import { MIN_SCRUBBED_BYTES, type Replacement, ScrubPlan } from "./scrub/scrub_plan.ts";
import { type TokenGrant, TokenTable } from "./token_table.ts";

/** The secrets of a run, made ready for the proxy. */
export interface RunSecrets {
  readonly tokens: TokenTable;
  readonly anyInBody: boolean;
  readonly awsKeys: AwsKeyTable;
  readonly tokenPlan: ScrubPlan;
  readonly valuePlan: ScrubPlan;
  readonly masked: ReadonlyMap<SecretName, string>;
  readonly unscrubbed: readonly SecretName[];
}

/**
 * Puts tokens and values together.
 *
 * @param values UTF-8 bytes by name; one for each secret. They are zeroed.
 * @throws {AppError} `SECRET_NOT_TEXT` for a value that is not UTF-8.
 */
export function prepareSecrets(secrets: readonly ProxySecret[], values: ReadonlyMap<string, Uint8Array>): RunSecrets {
  const grants: TokenGrant[] = [];
  const awsKeys = pairAwsKeys(secrets.filter(({ mask }) => mask.kind !== "group"));
  const masked = new Map<SecretName, string>();
  const unscrubbed: SecretName[] = [];
  const replacements: Replacement[] = [];
  for (const secret of secrets) {
    const bytes = values.get(secret.name)!;
    const value = decode(secret, bytes);
    const { text, real } = maskValue(value, secret.mask, secret.token);
    const realBytes = new TextEncoder().encode(real);
    masked.set(secret.name, text);
    grants.push({
      name: secret.name,
      token: secret.token,
      real: new Secret(secret.ref, realBytes),
      hosts: secret.hosts,
      in: plainPlaces(secret, awsKeys),
    });
    if (realBytes.length < MIN_SCRUBBED_BYTES) unscrubbed.push(secret.name);
    replacements.push({ text: value, standIn: text }, { text: real, standIn: secret.token });
    bytes.fill(0);
  }
  return {
    tokens: new TokenTable(grants),
    anyInBody: secrets.some((secret) => secret.in.some(({ kind }) => kind === "body")),
    awsKeys,
    tokenPlan: new ScrubPlan(secrets.map(({ token }) => ({ text: token, standIn: token }))),
    valuePlan: new ScrubPlan(replacements),
    masked,
    unscrubbed,
  };
}

function decode(secret: ProxySecret, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError("SECRET_NOT_TEXT", `Cannot mask secret "${secret.name}": its value is not UTF-8 text`);
  }
}
