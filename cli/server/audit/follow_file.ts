import { LineSplitter } from "./line_splitter.ts";

const POLL_MS = 200;
const CHUNK_BYTES = 64 * 1024;

/**
 * Gives the lines that are added to a file, until the signal. When another file has its name, or it was cut off, it is
 * read to its end, and then what has its name from the beginning.
 *
 * @param file Belongs to this from now on, and is read from where it stands.
 */
export async function* followFile(
  file: Deno.FsFile,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let [open, splitter] = [file, new LineSplitter()];
  let next: Deno.FsFile | undefined;
  try {
    while (!signal.aborted) {
      const read = await open.read(buffer);
      if (read !== null) yield splitter.add(buffer.subarray(0, read));
      else if (next !== undefined) {
        // It was at its end after it had been replaced: nothing more comes.
        open.close();
        [open, splitter, next] = [next, new LineSplitter(), undefined];
      } else if ((next = await successor(open, path)) === undefined) await pause(signal);
    }
  } finally {
    open.close();
    next?.close();
  }
}

/** What has the file's name now, if that is not the file as it was. */
async function successor(open: Deno.FsFile, path: string): Promise<Deno.FsFile | undefined> {
  try {
    const [named, ours] = [await Deno.stat(path), open.statSync()];
    const isCut = ours.size < open.seekSync(0, Deno.SeekMode.Current);
    return named.ino === ours.ino && named.dev === ours.dev && !isCut
      ? undefined
      : await Deno.open(path, { read: true });
  } catch (error) {
    // Between the renaming of the old one and the making of the new.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, POLL_MS);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
