/** A stream to write to, such as `Deno.stdout`. */
interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Writes data. A reader that has gone, as in `kz status | head -1`, is no error. */
export function writeStdout(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes what is for people. */
export function writeStderr(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(sink: Sink, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += sink.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
