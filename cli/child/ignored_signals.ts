/** SIGHUP, SIGINT and SIGQUIT, numbers 1 to 3, in the last digit of the mask that Linux shows. */
const SHELL_IGNORED_BITS = 0b111;

/**
 * Whether we were started with `SIGHUP`, `SIGINT` or `SIGQUIT` ignored, as `nohup` and a shell's `&` do.
 *
 * A child ignores what its parent ignores, until the parent listens: Deno's first listener, whichever signal it is for,
 * sets these back to their defaults for later children. To be asked before that.
 *
 * Our permissions do not let us read `/proc`, so a program is asked that has inherited the same from us (about 4 ms).
 * With a terminal as stdin it is not: `nohup` and `&` put another file there.
 *
 * @returns False also where it cannot be found out, which is everywhere but on Linux.
 */
export function hasIgnoredSignals(): boolean {
  if (Deno.build.os !== "linux" || Deno.stdin.isTerminal()) return false;
  try {
    const { stdout } = new Deno.Command("/bin/grep", {
      args: ["^SigIgn:", "/proc/self/status"],
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).outputSync();
    const mask = /^SigIgn:\s*([0-9a-f]+)\n$/.exec(new TextDecoder().decode(stdout))?.[1];
    return mask !== undefined && (parseInt(mask.slice(-1), 16) & SHELL_IGNORED_BITS) !== 0;
  } catch {
    // No such program.
    return false;
  }
}
