import type { ConnectionRule } from "../../policy/connection_rule.ts";
import type { Resource } from "../../policy/server/bundle.ts";
import { type AccessTarget, looksAtRequests, namesHost } from "../../policy/server/resource_access.ts";

/**
 * One rule that allows what was decided: it names the host if a resource does, so that its address may be private, and
 * looks at the method if resources look at requests, so that no header may ask for another one.
 *
 * @param all Every resource counts, and not the most lenient one.
 */
export function swapRule(
  access: AccessTarget,
  { resources, all }: { resources: readonly Resource[]; all: boolean },
): ConnectionRule {
  const looks = all ? resources.some(looksAtRequests) : resources.every(looksAtRequests);
  const named = resources.some((resource) => namesHost(resource, access));
  return {
    number: 1,
    allow: true,
    host: named ? { kind: "exact", host: access.host } : { kind: "any" },
    port: access.port,
    methods: looks ? [access.method] : undefined,
    paths: undefined,
  };
}
