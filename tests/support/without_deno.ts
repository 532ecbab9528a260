/** What Deno says when another Deno has its cache open; the compiled program has no cache. */
const CACHE_REGEXP = /^Failed to open cache file .*\r?\n/gm;

/** Standard error without what Deno itself writes to it when kz is run from its source. */
export function withoutDeno(stderr: string): string {
  return stderr.replace(CACHE_REGEXP, "");
}
