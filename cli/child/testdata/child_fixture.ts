import { fileURLToPath } from "node:url";

/** What the test entry is told, in a file: its arguments may hold no canary, since a test looks for one there. */
export interface EntrySetup {
  /** Values that become `[redacted]`; absent: direct mode. */
  readonly redact?: readonly string[];
  /** Added to PATH, TERM and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file that receives the child's end as JSON. */
  readonly report?: string;
}

/** A directory of its own for one test, and the commands to run the test entry and a terminal in it. */
export interface ChildFixture extends Disposable {
  readonly directory: string;
  /** The words that run `command` under the entry, with the permissions of `kz`. */
  words(setup: EntrySetup, command: readonly string[]): readonly [string, ...string[]];
}

const testdata = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export function makeChildFixture(): ChildFixture {
  const directory = Deno.makeTempDirSync();
  let count = 0;
  return {
    directory,
    words(setup, command) {
      const file = `${directory}/setup-${count++}.json`;
      Deno.writeTextFileSync(file, JSON.stringify(setup));
      const config = testdata("../../../deno.json");
      const entry = testdata("run_child_entry.ts");
      const flags = ["run", "-q", "--no-prompt", `--config=${config}`, "-P=kz"];
      return [Deno.execPath(), ...flags, entry, file, ...command];
    },
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

/** What a finished run gave. */
export interface Outcome {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs words to their end. `stdin` absent: the null device. */
export async function runWords(
  [program, ...args]: readonly [string, ...string[]],
  options: { stdin?: Uint8Array; cwd?: string } = {},
): Promise<Outcome> {
  await using child = new Deno.Command(program, {
    args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).spawn();
  const feed = options.stdin === undefined
    ? Promise.resolve()
    : ReadableStream.from([options.stdin]).pipeTo(child.stdin);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).bytes(),
    child.status,
    feed,
  ]);
  return { status: status.code, stdout, stderr };
}

/** One thing done at a terminal. A wait looks at what came after the text of the wait before. */
export type TerminalStep =
  | { readonly wait: string }
  | { readonly send: string }
  /** To the program alone, as `kill` does. */
  | { readonly signal: string }
  | { readonly size: readonly [rows: number, columns: number] }
  | { readonly sleepMs: number };

/** Runs words on a terminal of 24 rows and 80 columns. `screen` is all it showed; `status` is 128 + n after signal n. */
export async function runOnTerminal(
  words: readonly [string, ...string[]],
  steps: readonly TerminalStep[],
): Promise<{ readonly screen: string; readonly status: number }> {
  const setup = new TextEncoder().encode(JSON.stringify({ words, steps }));
  const outcome = await runWords(["python3", testdata("terminal.py")], { stdin: setup });
  if (outcome.status !== 0) throw new Error(`terminal.py failed: ${new TextDecoder().decode(outcome.stderr)}`);
  const { screen, status } = JSON.parse(new TextDecoder().decode(outcome.stdout));
  // When the last lines come the terminal may be itself again, and add a second "\r".
  return { screen: screen.replace(/\r+\n/g, "\r\n"), status };
}

/** Whether a program can be run here. For `ignore` of a test. */
export function hasProgram(name: string, args: readonly string[] = ["--version"]): boolean {
  try {
    return new Deno.Command(name, { args: [...args], stdin: "null", stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}
