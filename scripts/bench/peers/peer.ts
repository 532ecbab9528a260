import type { System } from "../system.ts";

/** What a peer has to do: accept the upstream's CA, and replace `token` by `value` in the `Authorization` header. */
export interface PeerSetup {
  readonly token: string;
  readonly value: string;
  /** A PEM file with the CA that the upstream is trusted by. */
  readonly upstreamCaFile: string;
  /** A directory for files that live as long as the benchmark. */
  readonly scratchDir: string;
  /** A directory for packages, kept from run to run. */
  readonly packageDir: string;
}

/** A program that is compared. */
export interface Peer {
  readonly name: string;
  /** Starts it; undefined if it is not installed. */
  start(setup: PeerSetup): Promise<System | undefined>;
}

/** Long enough for a Python program on a loaded machine. */
const START_TIMEOUT_MS = 20_000;

/** A port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits until something listens on `port` of loopback. */
export async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (true) {
    try {
      using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw new Error("Cannot measure: a peer did not start in time", { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
