import type { Bundle } from "../../../policy/server/bundle.ts";

/** Whether two readings of a bundle say the same, so that nothing has to be started anew. */
export function sameBundle(a: Bundle, b: Bundle): boolean {
  return asText(a) === asText(b);
}

function asText(bundle: Bundle): string {
  return JSON.stringify(bundle, (_key, value: unknown) => {
    if (value instanceof Map) return [...value];
    return value instanceof Uint8Array ? [...value] : value;
  });
}
