import type { StreamScrubber } from "../../policy/stream_scrubber.ts";

/** Where redacted bytes go: `Deno.stdout`, `Deno.stderr`. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Pause before a sink that is full is tried again. Short against what a person notices, long against a busy loop. */
const FULL_SINK_PAUSE_MS = 5;

/**
 * Passes a child's output on through a scrubber until it ends, is aborted, or nobody reads the sink any more.
 *
 * A chunk is written whole before the next one is read, so a slow reader slows the child down and memory stays bounded.
 * When the sink's reader is gone the source is closed: the child is told by `SIGPIPE`, as without `kz`. When the
 * scrubber throws, nothing more is written.
 */
export async function passRedacted(
  source: ReadableStream<Uint8Array>,
  scrubber: StreamScrubber,
  options: { sink: ByteSink; signal: AbortSignal },
): Promise<void> {
  const reader = source.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  options.signal.addEventListener("abort", cancel);
  try {
    while (true) {
      const { done, value } = await reader.read();
      await writeAll(options.sink, done ? scrubber.flush() : scrubber.push(value));
      if (done) return;
    }
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  } finally {
    options.signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}

/** A pipe gives EPIPE; a socket, which Node's pipes are, may give ECONNRESET first. */
function isReaderGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset;
}

async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    try {
      written += await sink.write(bytes.subarray(written));
    } catch (error) {
      // Whoever shares our output may have made it non-blocking, as Node does with a terminal.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, FULL_SINK_PAUSE_MS));
    }
  }
}
