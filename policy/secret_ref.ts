import type { Brand } from "./brand.ts";
import { AppError } from "./error.ts";

/** Where a secret lives at its provider, for example `github-pat` or `sm://prod/github-pat`. Printable. */
export type SecretRef = Brand<string, "SecretRef">;

/** Longest reference that is read; the longest of any provider (an AWS ARN) stays below 2,048. */
const MAX_LENGTH = 2048;

/**
 * Reads a reference as an operator writes it in a configuration file.
 *
 * @param text 1 to 2,048 characters, none of them a control character, no white space at either end.
 * @throws {AppError} `CONFIG_REF_INVALID`; the message never holds `text`, which may be a pasted secret.
 */
export function parseSecretRef(text: string): SecretRef {
  // deno-lint-ignore no-control-regex
  if (text.length === 0 || text.length > MAX_LENGTH || text.trim() !== text || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new AppError(
      "CONFIG_REF_INVALID",
      "Cannot read secret reference: 1 to 2048 printable characters are expected",
    );
  }
  return text as SecretRef;
}
