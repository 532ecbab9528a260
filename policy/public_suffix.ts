import { getPublicSuffix } from "tldts";
import type { Host } from "./host.ts";

/**
 * Whether the names right below this one belong to different owners (TM-13), as below `co.uk` and `github.io`.
 *
 * By the Public Suffix List, its private part included: a wildcard below `github.io` would let a secret go to anybody's
 * page.
 */
export function isPublicSuffix(host: Host): boolean {
  return getPublicSuffix(host, { allowPrivateDomains: true, extractHostname: false }) === host;
}
