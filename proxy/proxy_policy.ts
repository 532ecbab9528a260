import type { ConnectionRule, HostMatcher } from "../policy/connection_rule.ts";
import type { AwsKeyTable } from "./aws_sigv4/aws_keys.ts";
import type { ScrubPlan } from "./scrub/scrub_plan.ts";
import type { TokenTable } from "./token_table.ts";
import type { DialSettings } from "./upstream/dial.ts";

/** All that a proxy decides by. Made once; nothing in it changes during a run (TM-27). */
export interface ProxyPolicy {
  /** Absent: every public host. */
  readonly rules: readonly ConnectionRule[] | undefined;
  readonly matcher: HostMatcher;
  readonly tokens: TokenTable;
  /** Some secret may stand in a request body, so that bodies are read before they are sent. */
  readonly anyInBody: boolean;
  /** Secrets that sign requests instead of standing in them. */
  readonly awsKeys: AwsKeyTable;
  /** Finds tokens, in any encoding, in what goes out. */
  readonly tokenPlan: ScrubPlan;
  /** Replaces real values, in any encoding, in what comes back. */
  readonly valuePlan: ScrubPlan;
  readonly dial: DialSettings;
}
