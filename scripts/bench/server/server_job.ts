import { fileURLToPath } from "node:url";
import { ResidentWatch } from "../resident_set.ts";
import type { ServerJob, ServerJobResult } from "./server_client.ts";

/** Longer than any job takes on a slow machine; a client that hangs is an error, not a wait. */
const TIMEOUT_MS = 180_000;

/** A job's result, with the resident set of the server while it ran, in MiB. */
export interface ServerMeasurement extends ServerJobResult {
  readonly peakMiB?: number | undefined;
  readonly growthMiB?: number | undefined;
}

/**
 * Lets a new client do one job.
 *
 * @param server Of which process the resident set is watched; absent: of none.
 */
export async function runServerJob(job: ServerJob, server?: { readonly pid: number }): Promise<ServerMeasurement> {
  const script = fileURLToPath(new URL("./server_client.ts", import.meta.url));
  using watch = server === undefined ? undefined : new ResidentWatch(server.pid);
  await watch?.markBaseline();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", "--allow-read", script, JSON.stringify(job)],
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  if (code !== 0) throw new Error(`Cannot measure: the client ended with ${code}\n${new TextDecoder().decode(stderr)}`);
  const result: ServerJobResult = JSON.parse(new TextDecoder().decode(stdout));
  return { ...result, peakMiB: watch?.peakMiB, growthMiB: watch?.growthMiB };
}
