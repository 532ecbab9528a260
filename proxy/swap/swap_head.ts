import type { Field } from "../http/fields.ts";
import { refuseDisguised } from "./disguise.ts";
import type { SwapContext } from "./grant.ts";
import { swapField } from "./swap_field.ts";
import { swapTarget } from "./swap_target.ts";

/** The parts of a head that are the client's. */
export interface HeadParts {
  /** As sent: begins with "/", visible ASCII. */
  readonly pathAndQuery: string;
  readonly fields: readonly Field[];
}

/**
 * Replaces each masked token in a head by its secret value.
 *
 * What is left of the head after its tokens were taken out, names of fields included, must not hold another in disguise
 * (TM-05). It is searched once, as one text: a search for each line costs as much as all else that is done with it.
 *
 * @throws {Refusal} if a token stands where its secret may not, in an encoding that is not replaced, in a field that is
 * repeated, or may not go to the destination.
 */
export function swapHead({ pathAndQuery, fields }: HeadParts, context: SwapContext): HeadParts {
  const inTarget = context.tokens.standIn(pathAndQuery);
  const target = inTarget ? swapTarget(pathAndQuery, context) : pathAndQuery;
  let rest = inTarget ? context.tokens.without(pathAndQuery) : pathAndQuery;
  const swappedFields: Field[] = [];
  for (const field of fields) {
    const swapped = swapField(field, fields, context);
    swappedFields.push(swapped === undefined ? field : { ...field, value: swapped.value });
    rest += `\r\n${field.name}: ${swapped === undefined ? field.value : swapped.rest}`;
  }
  refuseDisguised(rest, context);
  return { pathAndQuery: target, fields: swappedFields };
}
