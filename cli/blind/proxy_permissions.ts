import type { ConnectionRule } from "../../policy/connection_rule.ts";
import type { Host } from "../../policy/host.ts";
import type { BlindSettings } from "../config/model.ts";

/**
 * The hosts that the proxy worker may reach, as Deno's `net` permission writes them.
 *
 * When every allowing rule names a host or a suffix, the rules are the permission: a fault in our own matching cannot
 * reach another host. A team server that the run's tokens are of is one more: its proxy mostly has its name. A rule for `*` or an expression, or no rules at all, needs every host.
 */
export function proxyNet(
  { connections, connect, server }: Pick<BlindSettings, "connections" | "connect"> & {
    readonly server?: Host | undefined;
  },
): true | string[] {
  const allowing = connections?.filter((rule) => rule.allow);
  if (allowing === undefined) return true;
  const hosts = allowing.map(permissionHost);
  if (!hosts.every((host) => host !== undefined)) return true;
  // Loopback is where the proxy and its interception listeners are.
  const instead = Array.from(connect.values(), ({ hostname }) => hostname.includes(":") ? `[${hostname}]` : hostname);
  return [...new Set(["127.0.0.1", ...hosts, ...instead, ...(server === undefined ? [] : [server])])];
}

function permissionHost({ host }: ConnectionRule): string | undefined {
  switch (host.kind) {
    case "exact":
      return host.host;
    case "suffix":
      return `*.${host.suffix}`;
    default:
      return undefined;
  }
}
