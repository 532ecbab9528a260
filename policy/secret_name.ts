import type { Brand } from "./brand.ts";
import { AppError } from "./error.ts";

/** The name of a secret, which is also the environment variable that carries it. Printable. */
export type SecretName = Brand<string, "SecretName">;

/** POSIX XBD §8.1, with lower case, which real programs use too. */
const NAME_REGEXP = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/**
 * Reads a secret's name.
 *
 * @param text A letter or `_`, then letters, digits and `_`; at most 128 characters.
 * @throws {AppError} `CONFIG_NAME_INVALID`; the message never holds `text`.
 */
export function parseSecretName(text: string): SecretName {
  if (!NAME_REGEXP.test(text)) {
    throw new AppError(
      "CONFIG_NAME_INVALID",
      "Cannot read secret name: a letter or underscore, then letters, digits and underscores are expected",
      { hints: ['Write the name of an environment variable, for example "GITHUB_TOKEN"'] },
    );
  }
  return text as SecretName;
}
