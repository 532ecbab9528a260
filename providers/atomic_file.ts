import { dirname } from "node:path";
import { AppError } from "../policy/error.ts";

/** How long a writer waits for another one. A write takes milliseconds, with a passphrase a few seconds. */
export const LOCK_TIMEOUT_MS = 10_000;
const LOCK_POLL_MS = 20;

/**
 * Replaces a file so that a crash at any moment leaves the old content or the new, whole.
 *
 * The caller holds the lock of {@linkcode lockFile}: the temporary file has a fixed name, so a crash leaves one at most.
 *
 * @param mode Of the new file.
 * @throws What the system says; then the old file is as it was.
 */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.tmp`;
  await removeIfThere(temporary);
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode });
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
  // The rename itself lasts only once the directory is on disk; Windows has no such call.
  if (Deno.build.os !== "windows") {
    using directory = await Deno.open(dirname(path), { read: true });
    await directory.sync();
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Takes the one lock that writers of a file share; it ends with the scope, or with the process, however that ends.
 *
 * @param path The file that the lock protects; the lock is a file beside it, which stays.
 * @throws {AppError} `STORE_LOCKED` when another writer holds it for longer than `timeoutMs`.
 */
export async function lockFile(
  path: string,
  { signal, timeoutMs = LOCK_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number },
): Promise<Disposable> {
  const file = await Deno.open(`${path}.lock`, { write: true, create: true, mode: 0o600 });
  try {
    if (await takeLock(file, { signal, timeoutMs })) return file;
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  throw new AppError("STORE_LOCKED", `Cannot change "${path}": another process is writing it`, {
    hints: ["Wait for the other kz to end and try again"],
  });
}

/**
 * Takes the lock of an open file; it ends with the file, or with the process, however that ends.
 *
 * @returns Whether it was had in time. If not, the file is closed, or will be once a wait that cannot be called off ends.
 */
export function takeLock(
  file: Deno.FsFile,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<boolean> {
  return "tryLock" in file ? pollLock(file, signal, timeoutMs) : waitLock(file, signal, timeoutMs);
}

async function pollLock(file: Deno.FsFile, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!await file.tryLock(true)) {
    signal.throwIfAborted();
    if (performance.now() > end) {
      file.close();
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  return true;
}

/** For Deno before 2.7, where a lock cannot be tried: the waiting call is left behind, and lets go once it succeeds. */
async function waitLock(file: Deno.FsFile, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  const locking = file.lock(true).then(() => true);
  const { promise: ended, resolve: end } = Promise.withResolvers<false>();
  const timer = setTimeout(() => end(false), timeoutMs);
  const abort = () => end(false);
  signal.addEventListener("abort", abort, { once: true });
  const locked = await Promise.race([locking, ended]);
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  if (!locked) void locking.then(() => closeQuietly(file), () => closeQuietly(file));
  return locked;
}

function closeQuietly(file: Deno.FsFile): void {
  try {
    file.close();
  } catch {
    // It is closed already.
  }
}
