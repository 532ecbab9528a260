import type { ConnectionRule, HostMatcher } from "../policy/connection_rule.ts";
import type { SecretName } from "../policy/secret_name.ts";
import type { AwsKeyTable } from "./aws_sigv4/aws_keys.ts";
import type { Minting } from "./minted/minted_secrets.ts";
import type { ScrubPlan } from "./scrub/scrub_plan.ts";
import type { ServerTokens } from "./server_tokens.ts";
import type { TokenTable } from "./token_table.ts";
import type { DialSettings } from "./upstream/dial.ts";

/**
 * All that a proxy decides by. Made once; in a run nothing changes but the values that a provider renews (TM-27), and the
 * credentials that hosts give out (TM-06).
 */
export interface ProxyPolicy {
  /** Absent: every public host. */
  readonly rules: readonly ConnectionRule[] | undefined;
  readonly matcher: HostMatcher;
  readonly tokens: TokenTable;
  /** Some secret may stand in a request body, so that bodies are read before they are sent. */
  readonly anyInBody: boolean;
  /** Secrets that sign requests instead of standing in them. */
  readonly awsKeys: AwsKeyTable;
  /** Finds tokens, and real values, in any encoding, in what goes out. */
  readonly outgoingPlan: ScrubPlan;
  /** Replaces real values, in any encoding, in what comes back. */
  readonly valuePlan: ScrubPlan;
  readonly dial: DialSettings;
  /** Absent: credentials that hosts give out go on as they are. */
  readonly minting?: Minting;
  /** Absent: the run has nothing of a team server. */
  readonly server?: ServerTokens;
  /** Told of the secrets in a request that a host answered with 401: they may have new values. */
  onUnauthorized(secrets: ReadonlySet<SecretName>): void;
  /** Called when all is decided; nothing goes out before it is done, and nothing at all if it throws. */
  announce?(): Promise<void>;
}
