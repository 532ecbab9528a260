/**
 * What Deno does not tell about a process. Our permissions keep `/proc` closed, so a program is asked; it takes about
 * 4 ms, and what it inherits from us tells about ourselves.
 */

/** SIGHUP, SIGINT and SIGQUIT, numbers 1 to 3, in the last digit of the mask that Linux shows. */
const SHELL_IGNORED_BITS = 0b111;

/**
 * Whether we were started with `SIGHUP`, `SIGINT` or `SIGQUIT` ignored, as `nohup` and a shell's `&` do.
 *
 * A child ignores what its parent ignores, until the parent listens: Deno's first listener, whichever signal it is for,
 * sets these back to their defaults for later children. To be asked before that.
 *
 * With a terminal as stdin no program is asked: `nohup` and `&` put another file there.
 *
 * @returns False also where it cannot be found out, which is everywhere but on Linux.
 */
export function hasIgnoredSignals(): boolean {
  if (Deno.build.os !== "linux" || Deno.stdin.isTerminal()) return false;
  const mask = /^SigIgn:\s*[0-9a-f]*([0-9a-f])\n$/.exec(ask("grep", ["^SigIgn:", "/proc/self/status"]) ?? "")?.[1];
  return mask !== undefined && (parseInt(mask, 16) & SHELL_IGNORED_BITS) !== 0;
}

/** Whether a process is there and stopped, by job control or a debugger; undefined where it cannot be found out. */
export function isStopped(pid: number): boolean | undefined {
  const answer = Deno.build.os === "linux"
    ? ask("grep", ["^State:", `/proc/${pid}/status`])
    : ask("ps", ["-o", "stat=", "-p", String(pid)]);
  return answer === undefined ? undefined : /^(?:State:)?\s*[Tt]/.test(answer);
}

/** What a program of the system writes, nothing if it fails; undefined if it is not there. */
function ask(program: string, args: readonly string[]): string | undefined {
  try {
    const { stdout } = new Deno.Command(`/bin/${program}`, {
      args: [...args],
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return new TextDecoder().decode(stdout);
  } catch {
    return undefined;
  }
}
