import { AppError } from "../../policy/error.ts";
import { printable } from "./report_error.ts";
import { type LineState, MAX_VALUE_BYTES, SecretLine } from "./secret_line.ts";
import { writeStderr } from "./write.ts";

/** Ctrl-C at a question: 128 + SIGINT, as for a program that the signal ends. */
export const CANCELLED_STATUS = 130;

/** Thrown when the operator presses Ctrl-C at a question. No error: nothing is reported. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/**
 * Asks for a value on the terminal and does not show it.
 *
 * @param question Shown on standard error.
 * @returns The value's bytes, at least one, owned by the caller.
 * @throws {AppError} `USAGE_NO_TERMINAL` if standard input is none; `USAGE_INPUT_INVALID` if it is closed, or the value
 * empty, longer than 64 KiB or of several lines.
 * @throws {Cancelled} on Ctrl-C. The terminal is as it was, whatever happens.
 */
export async function askSecret(question: string, hints: readonly string[] = []): Promise<Uint8Array<ArrayBuffer>> {
  requireTerminal(hints);
  using line = new SecretLine();
  const state = await typed(line, question);
  if (state === "cancelled") throw new Cancelled();
  if (state !== "done") throw invalid(FAULTS[state], hints);
  const bytes = line.take();
  if (bytes.length === 0) throw invalid("it is empty", hints);
  return bytes;
}

const FAULTS: Readonly<Record<Exclude<LineState, "done" | "cancelled">, string>> = {
  open: "standard input was closed",
  closed: "standard input was closed",
  "too long": "it is longer than 64 KiB",
  multiline: "it has more than one line",
};

async function typed(line: SecretLine, question: string): Promise<LineState> {
  using _raw = new RawTerminal();
  writeStderr(printable(question));
  // Room for all that is pasted at once, so that several lines are seen as such.
  const buffer = new Uint8Array(MAX_VALUE_BYTES);
  try {
    for (;;) {
      const count = await Deno.stdin.read(buffer);
      if (count === null) return "closed";
      const state = line.press(buffer.subarray(0, count));
      if (state !== "open") return state;
    }
  } finally {
    writeStderr("\n");
  }
}

const ENDING_SIGNALS = Deno.build.os === "windows" ? [] as const : ["SIGTERM", "SIGHUP"] as const;

/** A terminal that shows nothing and passes each key on, for as long as the scope lasts. */
class RawTerminal implements Disposable {
  readonly #undo = new DisposableStack();

  constructor() {
    Deno.stdin.setRaw(true);
    this.#undo.defer(() => Deno.stdin.setRaw(false));
    for (const signal of ENDING_SIGNALS) {
      const listener = () => {
        // The signal is to end us, and the shell is to find its terminal as it was.
        this[Symbol.dispose]();
        Deno.kill(Deno.pid, signal);
      };
      Deno.addSignalListener(signal, listener);
      this.#undo.defer(() => Deno.removeSignalListener(signal, listener));
    }
  }

  [Symbol.dispose](): void {
    this.#undo.dispose();
  }
}

/**
 * Asks for a line that may be seen.
 *
 * @param fallback What an empty line means; absent: an empty line is refused.
 * @throws {AppError} as {@linkcode askSecret} does
 */
export async function askLine(question: string, fallback?: string): Promise<string> {
  requireTerminal([]);
  writeStderr(printable(fallback === undefined ? `${question}: ` : `${question} [${fallback}]: `));
  const buffer = new Uint8Array(4096);
  const count = await Deno.stdin.read(buffer);
  if (count === null) throw invalid("standard input was closed", []);
  const text = new TextDecoder().decode(buffer.subarray(0, count)).replace(/\r?\n$/, "").trim();
  if (text === "" && fallback === undefined) throw invalid("it is empty", []);
  return text === "" ? fallback! : text;
}

/**
 * Reads a value from standard input, to its end; one line break at the end is no part of it.
 *
 * @throws {AppError} `USAGE_INPUT_INVALID` if it is empty or longer than 64 KiB.
 */
export async function readSecretFromStdin(): Promise<Uint8Array<ArrayBuffer>> {
  // One more than a value with its line break may have.
  const buffer = new Uint8Array(MAX_VALUE_BYTES + 3);
  let length = 0;
  for (let count; (count = await Deno.stdin.read(buffer.subarray(length)));) length += count;
  if (buffer[length - 1] === 0x0a) length -= buffer[length - 2] === 0x0d ? 2 : 1;
  const bytes = buffer.slice(0, length);
  buffer.fill(0);
  if (bytes.length === 0) throw invalid("it is empty", ["Write the value to standard input"]);
  if (bytes.length > MAX_VALUE_BYTES) throw invalid("it is longer than 64 KiB", []);
  return bytes;
}

function requireTerminal(hints: readonly string[]): void {
  if (Deno.stdin.isTerminal()) return;
  throw new AppError("USAGE_NO_TERMINAL", "Cannot ask: standard input is not a terminal", { hints });
}

function invalid(state: string, hints: readonly string[]): AppError {
  return new AppError("USAGE_INPUT_INVALID", `Cannot read value: ${state}`, { hints });
}
