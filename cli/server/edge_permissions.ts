import type { HostPattern } from "../../policy/host_pattern.ts";
import type { Network, Resource } from "../../policy/server/bundle.ts";
import type { ProxyListen } from "../../proxy/edge/protocol.ts";

/** The part of a server's setup that says where its edge may go. */
export interface EdgeReach {
  readonly resources: readonly Resource[];
  readonly network: Network;
  readonly proxy: ProxyListen | undefined;
}

/**
 * The hosts that the edge worker may reach, as Deno's `net` permission writes them: those of the resources and nothing
 * else, so that a fault in our own matching takes no value elsewhere.
 *
 * They are written without ports, since Deno lets nobody look up a name that is allowed at one port only.
 */
export function edgeNet({ resources, network, proxy }: EdgeReach): string[] {
  const granted = resources.flatMap(({ hosts }) => hosts.map(({ pattern }) => permissionHost(pattern)));
  const instead = Array.from(network.connect.values(), ({ hostname }) => bracketed(hostname));
  // Interception listeners are on loopback.
  const own = proxy === undefined ? [] : ["127.0.0.1", `${bracketed(proxy.hostname)}:${proxy.port}`];
  return [...new Set([...granted, ...instead, ...own])];
}

function permissionHost(pattern: HostPattern): string {
  return pattern.kind === "exact" ? pattern.host : `*.${pattern.suffix}`;
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
