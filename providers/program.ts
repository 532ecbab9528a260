import { MAX_VALUE_BYTES } from "./value.ts";

/** A little above the longest value in hexadecimal, the widest form that a program answers with. */
const MAX_OUTPUT_BYTES = 2 * MAX_VALUE_BYTES + 4096;

export interface ProgramResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/**
 * Runs a program to its end. Arguments are visible to other processes: a value goes on `stdin` only.
 *
 * @param options `env` is the whole environment of the program. When `signal` fires, the program is killed.
 * @throws {Deno.errors.NotFound} if there is no such program, the signal's reason once it has fired, or a `RangeError` if the
 * program writes more than a value can be.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { stdin?: Uint8Array; env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<ProgramResult> {
  options.signal.throwIfAborted();
  // The environment is given whole: an inherited LD_* variable would need the right to run every program.
  await using child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  options.signal.addEventListener("abort", kill, { once: true });
  try {
    const [stdout, stderr, status] = await Promise.all([
      readAll(child.stdout, kill),
      readAll(child.stderr, kill),
      child.status,
      writeAll(child.stdin, options.stdin),
    ]);
    options.signal.throwIfAborted();
    return { code: status.code, stdout, stderr };
  } finally {
    options.signal.removeEventListener("abort", kill);
  }
}

async function writeAll(stream: WritableStream<Uint8Array>, bytes: Uint8Array | undefined): Promise<void> {
  const writer = stream.getWriter();
  try {
    if (bytes !== undefined) await writer.write(bytes);
    await writer.close();
  } catch {
    // The program ended without reading; its status tells why.
  }
}

async function readAll(stream: ReadableStream<Uint8Array>, kill: () => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_OUTPUT_BYTES) {
      kill();
      throw new RangeError("Cannot read output of a program: it is longer than a value can be");
    }
    chunks.push(chunk);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
    chunk.fill(0);
  }
  return all;
}
