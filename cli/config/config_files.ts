import { dirname, isAbsolute, join, relative } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { ConfigFile } from "./problem.ts";
import { systemState } from "./system_error.ts";

export const PROJECT_FILE = ".keyzero.toml";
export const LOCAL_FILE = ".keyzero.local.toml";

const MIB = 1024 * 1024;

/** A configuration is kilobytes; what is larger was named by mistake. */
const MAX_MIB = 1;

/** The caller's working directory and environment. */
export interface Surroundings {
  /** Absolute. */
  readonly cwd: string;
  readonly getEnv: (name: string) => string | undefined;
}

export interface FoundFiles {
  /** Provider defaults under everything. */
  readonly user: ConfigFile | undefined;
  /** `.keyzero.toml`. */
  readonly project: ConfigFile | undefined;
  /** `.keyzero.local.toml` beside it. */
  readonly local: ConfigFile | undefined;
}

/**
 * Reads the configuration files: the nearest `.keyzero.toml` from the working directory up, what lies beside it, and the
 * user's own.
 *
 * @throws {AppError} `CONFIG_UNREADABLE` for a file that is there and cannot be read; it is never passed over.
 */
export function findConfigFiles(around: Surroundings): FoundFiles {
  const user = readUserFile(around);
  for (let dir = around.cwd;; dir = dirname(dir)) {
    const project = readConfigFile(join(dir, PROJECT_FILE), around);
    if (project !== undefined) {
      return { user, project, local: readConfigFile(join(dir, LOCAL_FILE), around) };
    }
    if (dirname(dir) === dir) return { user, project: undefined, local: undefined };
  }
}

function readUserFile(around: Surroundings): ConfigFile | undefined {
  // XDG Base Directory Specification: an empty or relative path counts as none.
  const xdg = around.getEnv("XDG_CONFIG_HOME");
  const home = around.getEnv("HOME") || around.getEnv("USERPROFILE");
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : home === undefined ? undefined : join(home, ".config");
  return base === undefined || !isAbsolute(base)
    ? undefined
    : readConfigFile(join(base, "keyzero", "config.toml"), around);
}

/** How a path is shown: from the working directory, from `~`, or whole. */
export function labelOf(path: string, around: Surroundings): string {
  const fromCwd = relative(around.cwd, path);
  if (!fromCwd.startsWith("..")) return fromCwd;
  const home = around.getEnv("HOME");
  if (home && path.startsWith(`${home}/`) && path.includes("/keyzero/")) return `~${path.slice(home.length)}`;
  return path.endsWith(PROJECT_FILE) || path.endsWith(LOCAL_FILE) ? fromCwd : path;
}

/**
 * Reads one configuration file.
 *
 * @param options `maxMib`: the largest that is read, in MiB.
 * @returns Undefined if there is none.
 * @throws {AppError} `CONFIG_UNREADABLE`
 */
export function readConfigFile(
  path: string,
  around: Surroundings,
  { maxMib = MAX_MIB }: { maxMib?: number } = {},
): ConfigFile | undefined {
  const label = labelOf(path, around);
  const fail = (state: string, cause?: unknown) =>
    new AppError("CONFIG_UNREADABLE", `Cannot read ${label}: ${state}`, cause === undefined ? {} : { cause });
  let bytes: Uint8Array;
  try {
    // Synchronous, since nothing else goes on yet and a thread for each call would cost more than the calls.
    // Before it is opened: opening a pipe would wait for a writer.
    const info = Deno.statSync(path);
    if (!info.isFile) throw fail("it is not a regular file");
    if (info.size > maxMib * MIB) throw fail(`it is larger than ${maxMib} MiB`);
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      if (isLink(path)) throw fail("it is a symbolic link to a file that does not exist");
      return undefined;
    }
    throw fail(systemState(error), error);
  }
  if (bytes.length > maxMib * MIB) throw fail(`it is larger than ${maxMib} MiB`);
  try {
    return { path, label, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    throw fail("it is not UTF-8 text");
  }
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}
