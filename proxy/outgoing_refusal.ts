import { Refusal } from "./refusal.ts";
import type { Replacement } from "./scrub/scrub_plan.ts";

/**
 * The refusal for what was found in outgoing bytes: a token where it is not replaced (TM-05), or a real value, which the
 * program must have learnt elsewhere (TM-17).
 */
export function outgoingRefusal({ secret }: Replacement): Refusal {
  return secret === undefined ? new Refusal("PROXY_TOKEN_MISPLACED") : new Refusal("POLICY_VALUE_OUTGOING", { secret });
}
