import { Buffer } from "node:buffer";

/** A file, as far as its tail is read. */
type Source = Pick<Deno.FsFile, "seek" | "read">;

/** The whole lines at the end of a file, and what stands behind them. */
export interface Tail {
  /** Oldest first, without their ends. */
  readonly lines: readonly string[];
  /** Bytes after the last line's end: the beginning of a line that was not ended. */
  readonly tornBytes: number;
}

/** Read at once, backwards. */
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the last lines of a file, without the rest of it.
 *
 * @param limit Up to so many lines, out of so many bytes; a line that is longer than that is not given whole.
 */
export async function readTail(
  file: Source,
  size: number,
  limit: { readonly lines: number; readonly bytes: number },
): Promise<Tail> {
  const chunks: Uint8Array[] = [];
  let [start, length, newlines] = [size, 0, 0];
  while (start > 0 && length < limit.bytes && newlines <= limit.lines) {
    const at = Math.max(0, start - CHUNK_BYTES);
    const chunk = await readAt(file, at, start - at);
    chunks.unshift(chunk);
    [start, length, newlines] = [at, length + chunk.length, newlines + count(chunk)];
  }
  const tail = Buffer.concat(chunks);
  const end = tail.lastIndexOf(NEWLINE) + 1;
  // What stands before the first line's end is the end of a line, unless the file begins here.
  const from = start === 0 ? 0 : tail.indexOf(NEWLINE) + 1;
  const lines = end > from ? latin1(tail.subarray(from, end - 1)).split("\n") : [];
  return { lines: lines.slice(Math.max(0, lines.length - limit.lines)), tornBytes: tail.length - end };
}

async function readAt(file: Source, at: number, length: number): Promise<Uint8Array> {
  await file.seek(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let read = 0;
  while (read < length) {
    const more = await file.read(bytes.subarray(read));
    if (more === null) break;
    read += more;
  }
  return bytes.subarray(0, read);
}

function count(bytes: Uint8Array): number {
  let found = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) found++;
  return found;
}

const decoder = new TextDecoder("latin1");

/** A character for each byte; lines of ours are ASCII. */
export function latin1(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
