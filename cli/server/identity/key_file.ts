import { AppError } from "../../../policy/error.ts";
import { systemState } from "../../config/system_error.ts";

/** An RSA key of 16384 bits in PEM has 13 KiB. */
const MAX_BYTES = 16 * 1024;

/**
 * Writes a key to a new file that its owner alone may read. What is there already is left alone, also a link.
 *
 * @throws {AppError} `CONFIG_EXISTS` or `CONFIG_NOT_EDITED`; then there is no new file.
 */
export async function createKeyFile(path: string, text: string): Promise<void> {
  let made = false;
  try {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    made = true;
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
    bytes.fill(0);
  } catch (cause) {
    // Half a key is worse than none; it is ours, since it was new.
    if (made) await Deno.remove(path).catch(() => {});
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw new AppError("CONFIG_EXISTS", "Cannot make key file: it is there already", {
        hints: ["Name a new file, or move the old one away: what it signed is worthless without it"],
      });
    }
    throw new AppError("CONFIG_NOT_EDITED", `Cannot make key file: ${systemState(cause)}`, { cause });
  }
}

/** A key file, and whether others than its owner may read it. */
export interface KeyFile {
  readonly bytes: Uint8Array;
  readonly exposed: boolean;
}

/** @throws {AppError} `CONFIG_UNREADABLE` for what is no regular file, too large, or cannot be read. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  try {
    // Before it is opened: opening a pipe would wait for a writer.
    const { isFile, size, mode } = await Deno.stat(path);
    if (!isFile) throw unreadable("it is not a regular file");
    if (size > MAX_BYTES) throw unreadable(`it is larger than ${MAX_BYTES} bytes`);
    const bytes = await Deno.readFile(path);
    if (bytes.length > MAX_BYTES) throw unreadable(`it is larger than ${MAX_BYTES} bytes`);
    return { bytes, exposed: Deno.build.os !== "windows" && mode !== null && (mode & 0o077) !== 0 };
  } catch (cause) {
    throw cause instanceof AppError ? cause : unreadable(systemState(cause), cause);
  }
}

function unreadable(state: string, cause?: unknown): AppError {
  return new AppError("CONFIG_UNREADABLE", `Cannot read key file: ${state}`, cause === undefined ? {} : { cause });
}
