import { parseHost } from "../../../policy/host.ts";
import { type HostGrant, parseHostGrant } from "../../../policy/host_pattern.ts";
import { makeMaskedToken, type MaskedToken } from "../../../policy/masked_token.ts";
import { DEFAULT_PLACEMENTS, type Placement } from "../../../policy/placement.ts";
import { Secret } from "../../../policy/secret.ts";
import { parseSecretName } from "../../../policy/secret_name.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import type { Field } from "../../http/fields.ts";
import { encodeLatin1 } from "../../http/latin1.ts";
import type { TokenGrant } from "../../token_table.ts";
import { type AwsKeys, type AwsKeyTable, pairAwsKeys } from "../aws_keys.ts";
import { canonicalRequest, pathRule, type SignedMessage } from "../canonical_request.ts";
import { ALGORITHM, type CredentialScope, scopeText } from "../credential_scope.ts";
import { sha256Hex, SigningKey, stringToSign } from "../signing_key.ts";

/** What a program holds, and what it stands for. */
export const REAL = {
  keyId: "AKIAREALKEYIDCANARY1",
  secretKey: "real/secret+canary/K7MDENGbPxRfiCYEXAMPLEK",
  sessionToken: "real//session+canary/token==",
};

export const MASKED: { readonly [part in keyof typeof REAL]: MaskedToken } = {
  keyId: makeMaskedToken(new Uint8Array(16).fill(0x11)),
  secretKey: makeMaskedToken(new Uint8Array(16).fill(0x22)),
  sessionToken: makeMaskedToken(new Uint8Array(16).fill(0x33)),
};

export const SCOPE: CredentialScope = { date: "20261123", region: "eu-central-1", service: "sts" };
export const TIMESTAMP = "20261123T101112Z";

export interface KeyOptions {
  readonly in?: readonly Placement[];
  readonly hosts?: readonly string[];
}

const NAMES = { keyId: "AWS_ACCESS_KEY_ID", secretKey: "AWS_SECRET_ACCESS_KEY", sessionToken: "AWS_SESSION_TOKEN" };

/** The keys of a run with the three usual secrets. */
export function keyTable(options: KeyOptions = {}): { readonly table: AwsKeyTable; readonly keys: AwsKeys } {
  const parts = ["keyId", "secretKey", "sessionToken"] as const;
  const table = pairAwsKeys(
    parts.map((part) => ({
      name: parseSecretName(NAMES[part]),
      token: MASKED[part],
      in: options.in ?? DEFAULT_PLACEMENTS,
    })),
  );
  return { table, keys: table.get(MASKED.keyId)! };
}

export function grantOf(part: keyof typeof REAL, hosts?: readonly HostGrant[]): TokenGrant {
  const real = new Secret(parseSecretRef(part), new TextEncoder().encode(REAL[part]));
  return { name: parseSecretName(NAMES[part]), token: MASKED[part], real, hosts, in: [] };
}

export const HOST = parseHost("api.test");
export const hostGrants = (hosts: readonly string[]) => hosts.map(parseHostGrant);

export function field(name: string, value: string): Field {
  return { name, lower: name.toLowerCase(), value };
}

/** The `Authorization` that a program with a secret key makes for a message. */
export function authorize(
  message: SignedMessage,
  { keyId, secretKey, scope = SCOPE, headers = ["host", "x-amz-date"] }: {
    keyId: string;
    secretKey: string;
    scope?: CredentialScope;
    headers?: readonly string[];
  },
): string {
  using key = new SigningKey(encodeLatin1(secretKey), scope);
  const signature = key.sign(
    stringToSign(TIMESTAMP, scope, canonicalRequest(message, headers, pathRule(scope.service))),
  );
  return `${ALGORITHM} Credential=${keyId}/${scopeText(scope)}, SignedHeaders=${
    headers.join(";")
  }, Signature=${signature}`;
}

export const EMPTY_HASH = sha256Hex("");
