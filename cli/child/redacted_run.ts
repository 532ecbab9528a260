import type { RedactorFactory, StreamScrubber } from "../../policy/stream_scrubber.ts";
import { type ByteSink, passRedacted } from "./redacted_output.ts";
import type { ChildOptions, Run } from "./run_child.ts";
import { isRelayed } from "./signal_listeners.ts";
import { PidLineFilter, terminalCommand } from "./terminal_session.ts";

type RedactedOptions = ChildOptions & { readonly redact: RedactorFactory };

/** The child's stdout and stderr on two pipes. */
export function throughPipes(program: string, options: RedactedOptions): Run {
  const command = new Deno.Command(program, {
    args: [...options.args],
    clearEnv: true,
    env: options.environment,
    stdin: "inherit",
    stdout: "piped",
    stderr: "piped",
  });
  // Made before the child: without a scrubber there is no child.
  const [stdout, stderr] = [options.redact(), options.redact()];
  const { warn } = options;
  return {
    spawn: () => command.spawn(),
    isRelayed,
    send: (child, signal) => child.kill(signal),
    passOutput: async (child, signal) => {
      // When one scrubber fails, the other stream ends too.
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const pass = (source: ReadableStream<Uint8Array>, scrubber: StreamScrubber, sink: ByteSink) =>
        passRedacted(source, scrubber, { sink, signal: either, warn }).catch((error) => {
          failed.abort();
          throw error;
        });
      await Promise.all([pass(child.stdout, stdout, Deno.stdout), pass(child.stderr, stderr, Deno.stderr)]);
    },
  };
}

/**
 * The child under a terminal of its own; undefined where that cannot be had.
 *
 * Our terminal is in raw mode meanwhile: `Ctrl-C` is a byte that reaches the child's terminal, which makes the signal of
 * it. An interrupt that reaches us was sent by another process and is relayed. `Ctrl-Z` does nothing to a program that
 * is alone on its terminal (POSIX XBD §11.1.4, orphaned process group).
 */
export function throughTerminal(program: string, options: RedactedOptions): Run & { started(): boolean } | undefined {
  const command = terminalCommand(program, options);
  if (command === undefined) return undefined;
  const filter = new PidLineFilter(options.redact());
  return {
    started: () => filter.pid !== undefined,
    spawn: () => command.spawn(),
    isRelayed: () => true,
    send: (child, signal) => {
      // `script` passes the size on, and is what has to stop with us; the rest is for the program.
      if (signal === "SIGWINCH" || signal === "SIGTSTP" || signal === "SIGCONT" || filter.pid === undefined) {
        child.kill(signal);
      } else Deno.kill(filter.pid, signal);
    },
    passOutput: (child, signal) =>
      passRedacted(child.stdout, filter, { sink: Deno.stdout, signal, warn: options.warn }),
  };
}
