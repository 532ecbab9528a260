import type { Issuer, Network } from "../../../policy/server/bundle.ts";
import { parseJwksLocation } from "../../../proxy/jwks/jwks_client.ts";
import type { JwksSource } from "../../../proxy/jwks/protocol.ts";

/** The key sets that a bundle's issuers publish, each once. What one issuer allows does not hold for another's URL. */
export function jwksSources(issuers: readonly Issuer[]): JwksSource[] {
  const sources = new Map<string, JwksSource>();
  for (const { keys } of issuers) {
    if (keys.kind !== "jwks") continue;
    const allowPrivate = keys.allowPrivate && sources.get(keys.url)?.allowPrivate !== false;
    sources.set(keys.url, { url: keys.url, allowPrivate });
  }
  return [...sources.values()];
}

/**
 * The hosts that the JWKS worker may reach, as Deno's `net` permission writes them: those of the key sets, and where the
 * bundle leads them.
 *
 * A name stands without its port, since looking it up is allowed for no port alone; an address stands with it.
 */
export function jwksNet(issuers: readonly Issuer[], { connect }: Pick<Network, "connect">): string[] {
  const net = new Set<string>();
  for (const source of jwksSources(issuers)) {
    const { host, port } = parseJwksLocation(source);
    net.add(host.startsWith("[") || /^[\d.]+$/.test(host) ? `${host}:${port}` : host);
    const instead = connect.get(host);
    if (instead === undefined) continue;
    net.add(`${instead.hostname.includes(":") ? `[${instead.hostname}]` : instead.hostname}:${instead.port}`);
  }
  return [...net];
}
