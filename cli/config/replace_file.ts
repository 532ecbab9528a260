import { dirname, join } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { ConfigFile } from "./problem.ts";
import { systemState } from "./system_error.ts";

/**
 * Replaces a file's text as one step: afterwards the file is the old or the new one, never a part of either. Its mode
 * stays, and a symbolic link to it too.
 *
 * @param file As it was read; the file is left alone if it has changed since.
 * @throws {AppError} `CONFIG_NOT_EDITED`; the file is as it was.
 */
export async function replaceFile(file: ConfigFile, text: string): Promise<void> {
  try {
    const path = await Deno.realPath(file.path);
    using current = await Deno.open(path, { read: true });
    // Another kz that edits the same file waits here, and then sees that it has changed.
    await current.lock(true);
    const { mode } = await current.stat();
    const bytes = await Deno.readFile(path);
    if (new TextDecoder().decode(bytes) !== file.text) throw notWritten(file, "it was changed in the meantime");
    const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? "\ufeff" : "";
    await writeBeside(path, mark + text, mode === null ? undefined : mode & 0o777);
  } catch (error) {
    throw error instanceof AppError ? error : notWritten(file, systemState(error), error);
  }
}

/**
 * Makes a file.
 *
 * @param label The file as it is shown.
 * @throws {AppError} `CONFIG_EXISTS` if there is one, which is left alone, or `CONFIG_NOT_EDITED`.
 */
export async function createFile(path: string, label: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new AppError("CONFIG_EXISTS", `Cannot make ${label}: it is there already`);
    }
    // Half a file is worse than none; it is ours, since it was new.
    await Deno.remove(path).catch(() => {});
    throw notWritten({ label }, systemState(error), error);
  }
}

async function writeBeside(path: string, text: string, mode: number | undefined): Promise<void> {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0"));
  const temporary = join(dirname(path), `.keyzero-${random.join("")}.tmp`);
  await using undo = new AsyncDisposableStack();
  {
    using target = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
    undo.defer(() => Deno.remove(temporary));
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await target.write(bytes.subarray(at));
    if (mode !== undefined && Deno.build.os !== "windows") await Deno.chmod(temporary, mode);
    await target.sync();
  }
  await Deno.rename(temporary, path);
  undo.move();
}

function notWritten({ label }: { label: string }, state: string, cause?: unknown): AppError {
  const options = cause === undefined ? {} : { cause };
  return new AppError("CONFIG_NOT_EDITED", `Cannot write ${label}: ${state}`, {
    ...options,
    hints: ["Nothing was changed"],
  });
}
