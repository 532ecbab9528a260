import type { SecretRef } from "../policy/secret_ref.ts";
import { readError } from "./provider_error.ts";

/**
 * Reads a file up to a limit.
 *
 * @throws {AppError} `PROVIDER_SECRET_NOT_FOUND`, `PROVIDER_ACCESS_DENIED`, `PROVIDER_UNAVAILABLE` or
 * `PROVIDER_VALUE_INVALID`, for the secret that is being read.
 */
export async function readLimited(
  path: string,
  maxBytes: number,
  secret: { provider: string; ref: SecretRef },
): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path, { read: true });
    // One byte more than allowed, so that a file that is too long shows itself.
    const buffer = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = await file.read(buffer.subarray(length));
      if (count === null) break;
      length += count;
    }
    const bytes = buffer.slice(0, length);
    buffer.fill(0);
    if (length <= maxBytes) return bytes;
    bytes.fill(0);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", ...secret }, "there is no such file", {
        cause,
        hints: ["Relative paths start at the directory of .keyzero.toml, or of a server's bundle"],
      });
    }
    if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable) {
      throw readError({ code: "PROVIDER_ACCESS_DENIED", ...secret }, "the file may not be read by this user", {
        cause,
      });
    }
    throw readError({ code: "PROVIDER_UNAVAILABLE", ...secret }, "the path is not a readable file", {
      cause,
      hints: ["Name a file, not a directory"],
    });
  }
  throw readError({ code: "PROVIDER_VALUE_INVALID", ...secret }, `the file is longer than ${maxBytes} bytes`, {
    hints: ["See whether the reference names the file that you mean"],
  });
}
