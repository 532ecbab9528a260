import { AppError } from "../../policy/error.ts";
import type { RedactorFactory } from "../../policy/stream_scrubber.ts";
import { findProgram, spawnError } from "./find_program.ts";
import { hasIgnoredSignals, isStopped } from "./process_state.ts";
import { ENDING, isRelayed, SignalListeners } from "./signal_listeners.ts";

/** How a child ended. */
export interface ChildEnd {
  /** Its exit status, 0 to 255; 128 + n when signal n ended it. */
  readonly status: number;
  /** From its start to its end, without the time its output took to pass. */
  readonly durationMs: number;
}

export interface ChildOptions {
  /** A path, or a name that is looked up in `environment.PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** All that the child gets; nothing of ours is added. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: the child has our own stdin, stdout and stderr. Present: stdout and stderr pass through one scrubber each. */
  readonly redact?: RedactorFactory;
  /** When it aborts the child is sent `SIGTERM` and its end is waited for; before the start, its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Takes one line for the operator, without a line end. */
  readonly warn: (line: string) => void;
}

/**
 * Runs a program in our place: its streams, signals and exit status are ours.
 *
 * The child is in our process group and working directory. Signals are relayed as {@linkcode isRelayed} says; on
 * `SIGTSTP` we stop too, so that a shell sees the job stopped. We end after the child only. If `kz` itself is killed
 * (`SIGKILL`) the child goes on without it and no file and no listener is left behind. Redacted output breaks off then,
 * and a terminal that was in raw mode stays so until `reset`.
 *
 * With `redact`: if stdin, stdout and stderr are all terminals the child gets a terminal of its own, so that colour,
 * line editing and full-screen programs stay; stdout and stderr are then one stream. Otherwise, also when only one of
 * them is redirected, stdout and stderr are two pipes, each in order. Output is passed until all that hold the pipes
 * have closed them, as in `cmd | cat`; once the child has ended, a signal that asks to end breaks this off.
 *
 * @throws {AppError} `CHILD_NOT_FOUND`, `CHILD_NOT_EXECUTABLE`, or `CHILD_ENVIRONMENT_INVALID` if a value cannot be in
 *   an environment. No child was started then.
 */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  checkEnvironment(options.environment);
  const program = findProgram(options.command, options.environment.PATH);
  if (options.redact === undefined) return await supervise(options, directly(program, options));
  const redacted = await import("./redacted_run.ts");
  if (Deno.stdin.isTerminal() && Deno.stdout.isTerminal() && Deno.stderr.isTerminal()) {
    const session = redacted.throughTerminal(program, { ...options, redact: options.redact });
    if (session !== undefined) {
      const end = await supervise(options, session);
      // A session that did not come up is not the program's end; one that was ended by a signal is not tried again.
      if (session.started() || end.status > 128) return end;
    }
    options.warn('warning: the child gets pipes and no terminal: "script" of util-linux is needed to redact one');
  }
  return await supervise(options, redacted.throughPipes(program, { ...options, redact: options.redact }));
}

/** One way to run a child. */
export interface Run {
  spawn(): Deno.ChildProcess;
  /** Whether the child has to be told of a signal that reached us. */
  isRelayed(signal: Deno.Signal): boolean;
  send(child: Deno.ChildProcess, signal: Deno.Signal): void;
  /** Passes the child's output on until it ends or `signal` aborts. */
  passOutput(child: Deno.ChildProcess, signal: AbortSignal): Promise<void>;
}

function directly(program: string, options: ChildOptions): Run {
  const command = new Deno.Command(program, {
    args: [...options.args],
    clearEnv: true,
    env: options.environment,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  return {
    spawn: () => command.spawn(),
    isRelayed,
    send: (child, signal) => child.kill(signal),
    passOutput: () => Promise.resolve(),
  };
}

async function supervise(options: ChildOptions, run: Run): Promise<ChildEnd> {
  options.signal?.throwIfAborted();
  using scope = new DisposableStack();
  const drain = new AbortController();
  const started: { child?: Deno.ChildProcess } = {};
  let hasEnded = false;
  const send = (signal: Deno.Signal) => {
    try {
      if (started.child !== undefined && !hasEnded) run.send(started.child, signal);
    } catch {
      // It has ended in this moment, or runs as another user and cannot be told.
    }
  };
  const listen = () =>
    scope.use(
      new SignalListeners((signal) => {
        if (hasEnded && ENDING.has(signal)) drain.abort();
        if (run.isRelayed(signal)) send(signal);
        if (signal === "SIGTSTP" && started.child !== undefined) void stopWith(started.child.pid, () => hasEnded);
      }),
    );

  // Listening first leaves no moment without it. Under nohup it has to come after: the child would lose nohup by it.
  const listensAfter = hasIgnoredSignals();
  if (!listensAfter) listen();
  const startedAt = performance.now();
  const child = started.child = start(options.command, run);
  if (listensAfter) listen();

  const terminate = () => send("SIGTERM");
  options.signal?.addEventListener("abort", terminate);
  scope.defer(() => options.signal?.removeEventListener("abort", terminate));

  let failure: { readonly error: unknown } | undefined;
  const output = run.passOutput(child, drain.signal).catch((error) => {
    failure = { error };
    terminate();
  });
  const status = await exitStatus(child);
  hasEnded = true;
  const durationMs = performance.now() - startedAt;
  await output;
  if (failure !== undefined) throw failure.error;
  return { status, durationMs };
}

/** How often and how far apart a child is looked at that may be about to stop: half a second for an editor to tidy up. */
const STOP_LOOKS = 10;
const STOP_LOOK_PAUSE_MS = 50;

/**
 * Stops us if the child stops, so that a shell sees the job stopped.
 *
 * A child that goes on must not be left alone: its process group may be one that no shell watches, whose programs the
 * system does not stop at `Ctrl-Z` (POSIX XBD §11.1.4). Nobody would continue us there.
 */
async function stopWith(pid: number, hasEnded: () => boolean): Promise<void> {
  for (let look = 0; look < STOP_LOOKS && !hasEnded(); look++) {
    if (isStopped(pid) ?? true) {
      // Cannot be caught: the whole of kz stands still here until the shell continues the job.
      Deno.kill(Deno.pid, "SIGSTOP");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, STOP_LOOK_PAUSE_MS));
  }
}

function start(command: string, run: Run): Deno.ChildProcess {
  try {
    return run.spawn();
  } catch (error) {
    throw spawnError(command, error);
  }
}

/** The exit status; 128 + n for signal n. */
async function exitStatus(child: Deno.ChildProcess): Promise<number> {
  try {
    return (await child.status).code;
  } catch (error) {
    // Deno has no name for real-time signals and throws a TypeError with the number in place of the status.
    const number = error instanceof TypeError ? /^Invalid signal: (\d{1,2})$/.exec(error.message)?.[1] : undefined;
    if (number === undefined) throw error;
    return 128 + Number(number);
  }
}

/** @throws {AppError} `CHILD_ENVIRONMENT_INVALID`: a C string ends at a NUL byte, a name at the first "=". */
function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (name === "" || /[=\0]/.test(name)) {
      throw new AppError("CHILD_ENVIRONMENT_INVALID", "Cannot start child: a variable's name is not valid");
    }
    if (value.includes("\0")) {
      const shown = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `the value of "${name}"` : "a variable's value";
      throw new AppError("CHILD_ENVIRONMENT_INVALID", `Cannot start child: ${shown} holds a NUL byte`, {
        hints: ["Store the value as text, for example in Base64, and decode it in the program"],
      });
    }
  }
}
