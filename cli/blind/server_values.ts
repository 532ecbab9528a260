import { AppError } from "../../policy/error.ts";
import { type Host, parseHost } from "../../policy/host.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { SERVER_PROXY_REF } from "../../policy/server/server_proxy.ts";
import type { ProviderOptions } from "../../providers/options.ts";
import { getProvider } from "../../providers/registry.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import type { WantedSecret } from "../resolve/resolve_all.ts";
import { thisMachine } from "../resolve/this_machine.ts";
import type { RenewedValue } from "./secret_refresher.ts";

/** A token that lives for a second is no use; and a server is not asked more often than that. */
const SHORTEST_REFRESH_MS = 1_000;

/** What a blind run has to do with a team server. */
export interface ServerUse {
  /** The server's own name, which its proxy mostly has too. */
  readonly host: Host | undefined;
  /** The way to its proxy, as one more value to be read. */
  readonly proxy: WantedSecret & { readonly options: ProviderOptions };
}

/**
 * Which server a run's secrets come from; undefined: from none.
 *
 * @throws {AppError} `USAGE_INVALID` for more than one: a token does not say whose it is.
 */
export function serverUse(provided: readonly ProvidedSecret[], config: KzConfig): ServerUse | undefined {
  const entry = getProvider("keyzero");
  const machine = thisMachine(config.root);
  const uses = new Map(
    provided.filter(({ provider }) => provider === entry.name).map(({ options }) => {
      const prepared = entry.prepare(options, machine);
      return [JSON.stringify([prepared.url, prepared.jwt_file, prepared.ca]), { options, url: prepared.url }] as const;
    }),
  );
  const [use] = uses.values();
  if (use === undefined) return undefined;
  if (uses.size > 1) {
    throw new AppError("USAGE_INVALID", "Cannot run: the secrets of a blind run may come from one server only", {
      hints: ["Name it with --server, or leave the others out with --only"],
    });
  }
  const url = use.url === undefined ? undefined : new URL(use.url);
  return {
    host: url === undefined ? undefined : parseHost(url.hostname),
    proxy: {
      id: SERVER_PROXY_REF,
      provider: entry.name,
      ref: parseSecretRef(SERVER_PROXY_REF),
      options: use.options,
    },
  };
}

/**
 * What is read again in a run: what says so itself, and what its backend says is good for a time only, at half of that.
 *
 * @param lives In milliseconds, by id.
 */
export function renewedValues(
  provided: readonly ProvidedSecret[],
  lives: ReadonlyMap<string, number>,
  server: ServerUse | undefined,
): RenewedValue[] {
  const values = provided.flatMap(({ name, provider, ref, options, refreshMs }): RenewedValue[] => {
    const life = lives.get(name);
    const due = Math.min(
      refreshMs ?? Infinity,
      life === undefined ? Infinity : Math.max(life / 2, SHORTEST_REFRESH_MS),
    );
    return due === Infinity ? [] : [{ id: name, provider, ref, options, refreshMs: due }];
  });
  const ofServer = values.filter(({ provider }) => provider === server?.proxy.provider);
  if (server === undefined || ofServer.length === 0) return values;
  return [...values, { ...server.proxy, refreshMs: Math.min(...ofServer.map(({ refreshMs }) => refreshMs)) }];
}
