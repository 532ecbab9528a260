import { concat } from "../../../proxy/concat.ts";
import { SERVER_LIMITS, type ServerLimits } from "../http/server_limits.ts";
import type { ToRelay, ToWorker } from "./port_protocol.ts";

export interface StdioRelayOptions {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: WritableStream<Uint8Array>;
  /** Stops reading; what was read is still answered. */
  readonly signal?: AbortSignal;
  readonly limits?: Pick<ServerLimits, "lineBytes" | "stdioAhead">;
}

/**
 * Carries lines between standard streams and the worker that answers MCP (MCP 2025-11-25, Transports, "stdio"). It reads
 * nothing into them.
 *
 * @param port Of a `PortTransport`. Belongs to the relay, which closes it.
 * @returns When standard input has ended and everything that was asked is answered, or the client reads no further.
 */
export async function relayStdio(port: MessagePort, options: StdioRelayOptions): Promise<void> {
  const { input, output, signal, limits = SERVER_LIMITS } = options;
  const writer = output.getWriter();
  const ended = Promise.withResolvers<void>();
  const credit = new Credit(limits.stdioAhead);
  const post = (message: ToWorker) => port.postMessage(message);
  let writing = Promise.resolve();
  port.onmessage = ({ data }: MessageEvent<ToRelay>) => {
    switch (data.kind) {
      case "line":
        writing = writing.then(() => writer.write(new TextEncoder().encode(`${data.line}\n`)))
          .then(() => post({ kind: "written" }), () => ended.resolve());
        break;
      case "taken":
        credit.give();
        break;
      case "ended":
        ended.resolve();
    }
  };
  const reader = input.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    const reading = readLines(reader, limits.lineBytes, async (line) => {
      await credit.take();
      post(line);
    }).catch(() => {}).then(() => post({ kind: "end" }));
    await ended.promise;
    await writing;
    credit.end();
    stop();
    await reading;
  } finally {
    signal?.removeEventListener("abort", stop);
    reader.releaseLock();
    writer.releaseLock();
    port.close();
  }
}

/** How many lines may go to the worker before it has taken one in. */
class Credit {
  #left: number;
  #waiting: (() => void) | undefined;

  constructor(left: number) {
    this.#left = left;
  }

  give(): void {
    this.#left++;
    this.#waiting?.();
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#left = Infinity;
    this.#waiting?.();
  }

  async take(): Promise<void> {
    if (this.#left === 0) await new Promise<void>((resolve) => this.#waiting = resolve);
    this.#left--;
  }
}

const LF = 10;
const CR = 13;

/** Cuts a stream into lines; empty ones are passed over, and a long one is dropped as it comes. */
async function readLines(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  use: (line: ToWorker) => Promise<void>,
): Promise<void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array) => {
    length += piece.length;
    // What is too long is not kept.
    if (length > maxBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const flush = async () => {
    const line = length > maxBytes ? undefined : whole(pieces);
    pieces = [];
    length = 0;
    if (line === undefined) await use({ kind: "unreadable", why: "size" });
    else if (line.length > 0) await use(decode(line));
  };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    let from = 0;
    for (let at = value.indexOf(LF); at >= 0; at = value.indexOf(LF, from)) {
      add(value.subarray(from, at));
      await flush();
      from = at + 1;
    }
    add(value.slice(from));
  }
  await flush();
}

function decode(bytes: Uint8Array): ToWorker {
  try {
    return { kind: "line", line: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: "unreadable", why: "encoding" };
  }
}

/** Without a carriage return before the line's end. */
function whole(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = concat(...pieces);
  return bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
}
