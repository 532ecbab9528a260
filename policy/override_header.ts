/** Headers by which some servers take another method or path than that of the request line. */
const OVERRIDES: ReadonlySet<string> = new Set([
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
]);

/**
 * Whether a header asks for another method or path. Where a rule or a grant looks at methods or paths, what it looks at
 * has to be what the server will see (TM-14, TM-19).
 *
 * @param name In lower case; many servers take `_` for `-` (RFC 3875 §4.1.18).
 */
export function isOverrideHeader(name: string): boolean {
  return OVERRIDES.has(name.replaceAll("_", "-"));
}
