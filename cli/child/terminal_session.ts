import { AppError } from "../../policy/error.ts";
import type { StreamScrubber } from "../../policy/stream_scrubber.ts";
import { findProgram } from "./find_program.ts";

/** The shell that `script` is made to use: the one whose quoting is defined (POSIX XCU §2.2.2). */
const SHELL_PATH = "/bin/sh";
/** Carries the child's own `SHELL` past `script`, which reads that variable. Gone before the child starts. */
const CARRIED_SHELL = "KZ_CHILD_SHELL";
/** What shells put into the environment of what they start (dash the first, bash all). */
const SHELL_MADE: readonly string[] = ["PWD", "OLDPWD", "SHLVL"];
/** Longest first line that can be a process id with its line end. */
const MAX_PID_LINE = 12;

/**
 * Makes the command that runs a program under a terminal of its own, with that terminal's output on a pipe.
 *
 * Deno opens no pseudo-terminal and we may call no native code, so the system's `script` does it: the one of util-linux
 * on Linux, the BSD one elsewhere. It passes our terminal's input and size on, puts our terminal into raw mode, and ends
 * with the program's status.
 *
 * Values travel in the environment only. The program and its arguments, which every process may read anyway, are quoted
 * into a shell command. That shell writes its process id as the first line (see {@linkcode PidLineFilter}) and is then
 * replaced by the program, so the id is the program's.
 *
 * What the scrubber gets is what a terminal shows: a line break within a value arrives as CR LF.
 *
 * Limits: variables whose names are no shell names, or that the shell keeps for itself, may be lost on the way; bash as
 * `sh` adds `_`; all arguments together may have 128 KiB (Linux `MAX_ARG_STRLEN`). Started in the background of a
 * terminal (`&`), `script` waits for the foreground before it starts anything. The values are in the environment of
 * `script` too, as long as it runs.
 *
 * @returns Undefined where there is no `script`.
 */
export function terminalCommand(
  program: string,
  options: { args: readonly string[]; environment: Readonly<Record<string, string>> },
): Deno.Command | undefined {
  const script = findScript();
  if (script === undefined) return undefined;
  const { SHELL: shell, ...others } = options.environment;
  const restored = [
    shell === undefined ? "unset SHELL" : `SHELL=$${CARRIED_SHELL}; export SHELL`,
    `unset ${[CARRIED_SHELL, ...SHELL_MADE.filter((name) => !Object.hasOwn(options.environment, name))].join(" ")}`,
  ];
  const words = [program.startsWith("/") ? program : `./${program}`, ...options.args].map(quoted);
  const command = ["echo $$", ...restored, `exec ${words.join(" ")}`].join("\n");
  return new Deno.Command(script, {
    args: Deno.build.os === "linux" ? ["-qefc", command, "/dev/null"] : ["-q", "/dev/null", SHELL_PATH, "-c", command],
    clearEnv: true,
    env: { ...others, SHELL: SHELL_PATH, ...(shell === undefined ? {} : { [CARRIED_SHELL]: shell }) },
    stdin: "inherit",
    stdout: "piped",
    // Only complaints of `script` itself would come there; it then writes no process id and pipes are used.
    stderr: "null",
  });
}

/** Found in our own PATH: it is our helper, not the child's program. */
function findScript(): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    return findProgram("script", Deno.env.get("PATH"));
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** One word for a POSIX shell, byte for byte: nothing is special between single quotes but the single quote. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Takes the first line, the program's process id, off a terminal's output and hands the rest to a scrubber.
 *
 * Output that does not begin so was not written by the program and is dropped whole.
 */
export class PidLineFilter implements StreamScrubber {
  readonly #scrubber: StreamScrubber;
  #line = "";
  #pid: number | undefined;

  constructor(scrubber: StreamScrubber) {
    this.#scrubber = scrubber;
  }

  /** Undefined until the program is about to start. */
  get pid(): number | undefined {
    return this.#pid;
  }

  get pending(): number {
    return this.#scrubber.pending;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#pid !== undefined) return this.#scrubber.push(chunk);
    const end = chunk.indexOf(0x0a);
    const head = chunk.subarray(0, Math.min(end < 0 ? chunk.length : end + 1, MAX_PID_LINE));
    if (this.#line.length <= MAX_PID_LINE) this.#line += String.fromCharCode(...head);
    const digits = /^(\d+)\r?\n$/.exec(this.#line)?.[1];
    if (digits === undefined) return new Uint8Array();
    this.#pid = Number(digits);
    return this.#scrubber.push(chunk.subarray(end + 1));
  }

  flush(): Uint8Array {
    return this.#pid === undefined ? new Uint8Array() : this.#scrubber.flush();
  }
}
