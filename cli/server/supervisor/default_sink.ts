import { isAbsolute, join } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { Surroundings } from "../../config/config_files.ts";
import { systemState } from "../../config/system_error.ts";
import type { SinkAddress } from "../audit/sink_address.ts";

/**
 * Where the audit log goes if nobody says: a file of its own for each start, since several agents start a server each,
 * below `$XDG_STATE_HOME/keyzero/audit`.
 *
 * @throws {AppError} `AUDIT_SINK_INVALID` or `AUDIT_UNWRITABLE` if there is no such place.
 */
export async function defaultSink({ getEnv }: Surroundings): Promise<SinkAddress> {
  const state = getEnv("XDG_STATE_HOME");
  const home = getEnv("HOME") || getEnv("USERPROFILE");
  const base = state !== undefined && isAbsolute(state)
    ? state
    : home === undefined
    ? undefined
    : join(home, ".local", "state");
  if (base === undefined) {
    throw new AppError("AUDIT_SINK_INVALID", "Cannot place the audit log: the home directory is not known", {
      hints: ["Set HOME, or say where with --audit file:PATH"],
    });
  }
  const directory = join(base, "keyzero", "audit");
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError("AUDIT_UNWRITABLE", `Cannot create directory "${directory}": ${systemState(error)}`, {
      hints: ["Say where the audit log goes with --audit file:PATH"],
    });
  }
  const started = new Date().toISOString().replaceAll(":", "-").replace(/\.\d+/, "");
  return { kind: "file", path: join(directory, `${started}-${Deno.pid}.jsonl`) };
}
