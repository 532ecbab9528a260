/** Every signal that people and supervisors send and that can be caught. */
const POSIX: readonly Deno.Signal[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGTSTP",
  "SIGCONT",
];

/** Windows has console events only, which reach every process of the console. */
const WINDOWS: readonly Deno.Signal[] = ["SIGINT", "SIGBREAK"];

/** Sent by the keyboard to all of the terminal's foreground processes, hence to the child too. */
const FROM_KEYBOARD: ReadonlySet<Deno.Signal> = new Set(["SIGINT", "SIGQUIT", "SIGBREAK"]);

/** Signals that ask a program to end. */
export const ENDING: ReadonlySet<Deno.Signal> = new Set(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGBREAK"]);

/**
 * Whether a signal is to be relayed to a child in our process group.
 *
 * With a terminal on any standard stream, `Ctrl-C` and `Ctrl-\` reach the child from the kernel; a relayed second one
 * makes npm, vite and others break off at once. An interrupt that another process sends to `kz` alone
 * (`kill -INT <pid of kz>`) looks the same and is not relayed then; `kill -TERM` always is.
 *
 * Relaying `SIGTSTP` twice does no harm: a stop that is pending is dropped when the job continues.
 */
export function isRelayed(signal: Deno.Signal): boolean {
  if (!FROM_KEYBOARD.has(signal)) return true;
  if (Deno.build.os === "windows") return false;
  return !(Deno.stdin.isTerminal() || Deno.stdout.isTerminal() || Deno.stderr.isTerminal());
}

/**
 * Listeners for every signal that is relayed, so that none of them ends `kz` before its child; gone at the scope's end.
 *
 * A listener runs from the event loop: what comes between its making and the child's start is handled after the start.
 */
export class SignalListeners implements Disposable {
  readonly #stack = new DisposableStack();

  /** @param receive Called from the event loop, never from within the constructor. */
  constructor(receive: (signal: Deno.Signal) => void) {
    for (const signal of Deno.build.os === "windows" ? WINDOWS : POSIX) {
      const listener = () => receive(signal);
      Deno.addSignalListener(signal, listener);
      this.#stack.defer(() => Deno.removeSignalListener(signal, listener));
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
