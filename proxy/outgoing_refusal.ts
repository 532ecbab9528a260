import { Refusal } from "./refusal.ts";
import type { Replacement } from "./scrub/scrub_plan.ts";

/**
 * The refusal for what was found in outgoing bytes: a token where it is not replaced (TM-05), or a real value, which the
 * program must have learnt elsewhere (TM-17).
 */
export function outgoingRefusal({ text, standIn, secret }: Replacement): Refusal {
  // A token stands for itself.
  if (text === standIn) return new Refusal("PROXY_TOKEN_MISPLACED");
  return new Refusal("POLICY_VALUE_OUTGOING", secret === undefined ? {} : { secret });
}
