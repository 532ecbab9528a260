import type { HostGrant } from "../policy/host_pattern.ts";
import type { MaskedToken } from "../policy/masked_token.ts";
import type { Placement } from "../policy/placement.ts";
import type { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";

/** What a token stands for, and where that may go. */
export interface TokenGrant {
  readonly name: SecretName;
  readonly token: MaskedToken;
  /** UTF-8. */
  readonly real: Secret;
  readonly hosts: readonly HostGrant[] | undefined;
  readonly in: readonly Placement[];
}

/** The tokens of a run. A `Map`, since keys come from the contained program. */
export type TokenTable = ReadonlyMap<string, TokenGrant>;
