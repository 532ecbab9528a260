import type { ConnectionRule, HostMatcher } from "../policy/connection_rule.ts";
import { AppError } from "../policy/error.ts";

/**
 * Prepares the host expressions of some rules. RE2's way of matching takes time linear in the host, whatever the
 * expression, and an expression must match the whole host.
 *
 * @throws {AppError} `CONFIG_RULE_INVALID` for an expression that RE2 does not read.
 */
export async function hostMatcher(rules: readonly ConnectionRule[] | undefined): Promise<HostMatcher> {
  const expressions = (rules ?? []).filter((rule) => rule.host.kind === "regexp");
  if (expressions.length === 0) return () => false;
  const { RE2JS } = await import("re2js");
  const compiled = new Map(expressions.map((rule) => {
    const source = rule.host.kind === "regexp" ? rule.host.source : "";
    try {
      return [source, RE2JS.compile(source)] as const;
    } catch {
      throw new AppError(
        "CONFIG_RULE_INVALID",
        `Cannot read connection rule: the host expression of rule ${rule.number} is not valid`,
        { hints: ["Write an expression of RE2, without look-around and back-references, for the whole host"] },
      );
    }
  }));
  return (source, host) => compiled.get(source)?.matches(host) ?? false;
}
