/** What a provider's set-up may know of the machine that `kz` runs on. Read in the supervisor, never in a worker. */
export interface Machine {
  readonly os: typeof Deno.build.os;
  /** Where relative paths start: the directory of `.keyzero.toml`. Absolute. */
  readonly root: string;
  /** A variable of the caller's environment; undefined when it is not set or empty. */
  env(name: string): string | undefined;
}

/** The user's home directory; undefined when the environment does not name one. */
export function homeOf(machine: Machine): string | undefined {
  return machine.env(machine.os === "windows" ? "USERPROFILE" : "HOME");
}
