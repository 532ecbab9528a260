import type { StreamScrubber } from "../../policy/stream_scrubber.ts";

/** Where redacted bytes go: `Deno.stdout`, `Deno.stderr`. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Pause before a sink that is full is tried again. Short against what a person notices, long against a busy loop. */
const FULL_SINK_PAUSE_MS = 5;

/**
 * Passes a child's output on through a scrubber until it ends, is aborted, or the sink takes no more.
 *
 * A chunk is written whole before the next one is read, so a slow reader slows the child down and memory stays bounded.
 * When the sink takes no more the source is closed: the child is told by `SIGPIPE`, as it would be without `kz`. When the
 * scrubber throws, nothing more is written.
 */
export async function passRedacted(
  source: ReadableStream<Uint8Array>,
  scrubber: StreamScrubber,
  options: { sink: ByteSink; signal: AbortSignal; warn: (line: string) => void },
): Promise<void> {
  const reader = source.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  options.signal.addEventListener("abort", cancel);
  try {
    while (true) {
      const { done, value } = await reader.read();
      const failure = await writeAll(options.sink, done ? scrubber.flush() : scrubber.push(value));
      if (failure !== undefined && !isReaderGone(failure)) {
        options.warn("warning: the output cannot be written any more");
      }
      if (done || failure !== undefined) return;
    }
  } finally {
    options.signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}

/** A pipe gives EPIPE; a socket, which Node's pipes are, may give ECONNRESET first. Both are the usual end of a reader. */
function isReaderGone(failure: unknown): boolean {
  return failure instanceof Deno.errors.BrokenPipe || failure instanceof Deno.errors.ConnectionReset;
}

/** @returns What the sink threw; undefined when all is written. */
async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<unknown> {
  for (let written = 0; written < bytes.length;) {
    try {
      written += await sink.write(bytes.subarray(written));
    } catch (error) {
      // Whoever shares our output may have made it non-blocking, as Node does with a terminal.
      if (!(error instanceof Deno.errors.WouldBlock)) return error;
      await new Promise((resolve) => setTimeout(resolve, FULL_SINK_PAUSE_MS));
    }
  }
  return undefined;
}
