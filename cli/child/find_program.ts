import { AppError } from "../../policy/error.ts";

/** What `execvp` searches when the environment has no `PATH`: `confstr(_CS_PATH)` of glibc and musl, current directory left out. */
const DEFAULT_PATH = "/bin:/usr/bin";
/** Any of the three execute permission bits. Which one counts is the kernel's decision, made when the child is started. */
const EXECUTE_BITS = 0o111;
/** How much of a file tells text from a binary, as shells do it. */
const SNIFFED_BYTES = 256;
/** What a command must look like to be named in a message. */
const PLAIN_COMMAND_REGEXP = /^[A-Za-z0-9_./+-]{1,128}$/;

/**
 * Finds the file of a program, as `execvp` would with the child's own `PATH`.
 *
 * The child's `PATH` decides and not ours, so that `kz run -- cmd` starts what `cmd` would start inside the child. A
 * command with a slash is taken as a path from the working directory. An empty element of `PATH` is that directory.
 *
 * @param path `PATH` of the child's environment; absent: {@linkcode DEFAULT_PATH}.
 * @returns A path with a slash in it; on Windows the command as it is, since the system searches there.
 * @throws {AppError} `CHILD_NOT_FOUND` (status 127) if there is no such file; `CHILD_NOT_EXECUTABLE` (126) if there is
 *   one that cannot be executed, also a script without an interpreter line: systems differ on what becomes of it.
 */
export function findProgram(command: string, path: string | undefined): string {
  if (Deno.build.os === "windows") return command;
  let found: string | undefined;
  for (const candidate of candidates(command, path ?? DEFAULT_PATH)) {
    const info = statOrUndefined(candidate);
    if (info === undefined) continue;
    if (info.isFile && ((info.mode ?? 0) & EXECUTE_BITS) !== 0) {
      if (isTextWithoutInterpreter(candidate)) {
        throw notExecutable(command, "it is a script without an interpreter line");
      }
      return candidate;
    }
    // A directory of that name in PATH is not an answer, but it is one to a path that was given.
    if (info.isFile || command.includes("/")) {
      found ??= info.isFile ? "its file mode does not allow it" : "it is no file";
    }
  }
  if (found !== undefined) throw notExecutable(command, found);
  throw notFound(command);
}

function candidates(command: string, path: string): readonly string[] {
  if (command === "") return [];
  if (command.includes("/")) return [command];
  return path.split(":").map((directory) => `${directory === "" ? "." : directory}/${command}`);
}

/** Undefined also for a directory that may not be searched: `execvp` goes on to the next one. */
function statOrUndefined(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

/** True only for a readable file that is text and does not begin with `#!`; a binary is left to the kernel. */
function isTextWithoutInterpreter(path: string): boolean {
  const head = new Uint8Array(SNIFFED_BYTES);
  let length: number | null;
  try {
    using file = Deno.openSync(path);
    length = file.readSync(head);
  } catch {
    // Executable and not readable is a usual thing for a setuid program.
    return false;
  }
  if (length === null) return true;
  const isScript = head[0] === 0x23 && head[1] === 0x21;
  return !isScript && !head.subarray(0, length).includes(0);
}

/**
 * Turns what `Deno.Command` throws for a file that exists into our error. The cause's own text is not shown: it repeats
 * the path.
 */
export function spawnError(command: string, cause: unknown): AppError {
  if (Deno.build.os === "windows" && cause instanceof Deno.errors.NotFound) return notFound(command);
  const state = cause instanceof Deno.errors.PermissionDenied
    ? "permission is denied"
    : cause instanceof Deno.errors.NotFound
    ? "the interpreter or loader that it names does not exist"
    : isSystemError(cause, "E2BIG")
    ? "its arguments and environment are too long for the system"
    : "the system refuses the file's format";
  return notExecutable(command, state, cause);
}

function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}

function notFound(command: string): AppError {
  return new AppError("CHILD_NOT_FOUND", `Cannot run ${named(command)}: no such program is found`, {
    hints: [
      command.includes("/")
        ? "Check the path; it is taken from the working directory"
        : "Check the name and the PATH of the child's environment, or give the path of the program",
    ],
  });
}

function notExecutable(command: string, state: string, cause?: unknown): AppError {
  return new AppError("CHILD_NOT_EXECUTABLE", `Cannot run ${named(command)}: ${state}`, {
    cause,
    hints: [
      state.includes("interpreter line")
        ? 'Begin the file with a line such as "#!/bin/sh", or run its interpreter: kz run -- sh FILE'
        : "Check that the file is a program for this system that you may execute",
    ],
  });
}

/** A command that looks like a path may be named: every process of this user sees it in the argument list anyway. */
function named(command: string): string {
  return PLAIN_COMMAND_REGEXP.test(command) ? `"${command}"` : "the command";
}
