import { classifyAddress } from "../../policy/address.ts";
import type { Host } from "../../policy/host.ts";
import { closeQuietly } from "../close_quietly.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";

/** How hosts are reached. */
export interface DialSettings {
  /** The operator's word for a name: this address is dialled, and no address rule applies. */
  readonly connect: ReadonlyMap<Host, { readonly hostname: string; readonly port: number }>;
  /** Roots besides the usual ones, PEM. */
  readonly upstreamCa: readonly string[];
  /**
   * True when this worker may reach any address, so that checked addresses are dialled themselves. Otherwise its `net`
   * permission is a list of names; then the name is dialled, and the address that answered is checked before a byte goes out.
   */
  readonly anyAddress: boolean;
}

/** A host that the rules allow. */
export interface DialTarget {
  readonly host: Host;
  readonly port: number;
  /** A rule names this very host, so that its address may be private. */
  readonly named: boolean;
}

/**
 * Opens a TCP connection to an allowed host.
 *
 * Every address of the name is looked at before one is dialled; one that is not public refuses them all (TM-12).
 *
 * @param until Ends the attempt early; a look-up is only bounded.
 * @returns The connection, and whether it ends on this machine.
 * @throws {Refusal} `POLICY_ADDRESS_DENIED` or `PROXY_UPSTREAM_UNREACHABLE`.
 */
export async function dial(
  target: DialTarget,
  settings: DialSettings,
  until?: AbortSignal,
): Promise<{ readonly conn: Deno.TcpConn; readonly loopback: boolean }> {
  const instead = settings.connect.get(target.host);
  if (instead !== undefined) {
    return { conn: await connect([instead.hostname], { port: instead.port, until }), loopback: false };
  }
  const addresses = await lookUp(target.host);
  for (const address of addresses) assertAllowed(address, target);
  const hostnames = settings.anyAddress ? addresses : [unbracketed(target.host)];
  const conn = await connect(hostnames, { port: target.port, until });
  try {
    const address = (conn.remoteAddr as Deno.NetAddr).hostname;
    assertAllowed(address, target);
    return { conn, loopback: classifyAddress(address) === "loopback" };
  } catch (error) {
    closeQuietly(conn);
    throw error;
  }
}

function assertAllowed(address: string, target: DialTarget): void {
  if (classifyAddress(address) !== "public" && !target.named) throw new Refusal("POLICY_ADDRESS_DENIED");
}

async function lookUp(host: Host): Promise<string[]> {
  const literal = unbracketed(host);
  if (literal !== host || /^[\d.]+$/.test(host)) return [literal];
  const { lookup } = await import("node:dns/promises");
  // The system's resolver waits as long as it likes, and cannot be told to stop.
  using limit = timeLimit(LIMITS.connectTimeoutMs, () => new Error("Cannot look up host: no answer in time"));
  try {
    const found = await limit.within(lookup(host, { all: true }));
    return found.map(({ address }) => address);
  } catch {
    throw new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "its name has no address" });
  }
}

/** Tries each address in turn within one time limit. */
async function connect(
  hostnames: readonly string[],
  { port, until }: { port: number; until: AbortSignal | undefined },
): Promise<Deno.TcpConn> {
  const limit = AbortSignal.timeout(LIMITS.connectTimeoutMs);
  const signal = until === undefined ? limit : AbortSignal.any([limit, until]);
  for (const hostname of hostnames) {
    try {
      const conn = await Deno.connect({ hostname, port, signal });
      conn.setNoDelay(true);
      return conn;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Refusal("POLICY_HOST_DENIED", { detail: "our permissions end here" });
      }
      if (signal.aborted) throw new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "no answer in time" });
    }
  }
  throw new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "no address accepts a connection" });
}

function unbracketed(host: Host): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
