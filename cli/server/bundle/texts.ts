import { AppError, type ErrorCode } from "../../../policy/error.ts";
import { nearestName } from "../../config/nearest.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";

/** What {@linkcode parseEntryName} reads, for the JSON Schema. */
export const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
const NAME_REGEXP = new RegExp(NAME_PATTERN);

/**
 * Reads the name of an issuer, a policy or a backend, which stands in logs and metrics later on.
 *
 * @throws {AppError} `CONFIG_NAME_INVALID`; the message never holds `text`.
 */
export function parseEntryName(text: string): string {
  if (NAME_REGEXP.test(text)) return text;
  throw new AppError("CONFIG_NAME_INVALID", 'Cannot read name: 1 to 64 letters, digits, ".", "_" and "-" are expected');
}

/** What the audit calls a decision that no policy made, so that no policy may be called it. */
const DEFAULT_DENY = "default-deny";

/** @throws {AppError} `CONFIG_NAME_INVALID` */
export function parsePolicyName(text: string): string {
  if (text === DEFAULT_DENY) {
    throw new AppError(
      "CONFIG_NAME_INVALID",
      `Cannot read name: "${DEFAULT_DENY}" is what matches when no policy does`,
    );
  }
  return parseEntryName(text);
}

/**
 * Reads text of an issuer: an audience or a key's id.
 *
 * @throws {AppError} of `code`; the message never holds `text`.
 */
export function parseClaimText(text: string, code: ErrorCode): string {
  // deno-lint-ignore no-control-regex
  if (text !== "" && text.length <= 1024 && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new AppError(code, "Cannot read text: 1 to 1024 printable characters are expected");
}

/** A ref may stand in a path and in a name after it; more is a mistake. */
const MAX_PLACEHOLDERS = 4;

/**
 * Reads a backend's ref, in which `{ref}` stands for the ref that was asked for.
 *
 * @throws {AppError} `CONFIG_REF_INVALID`; the message never holds `text`.
 */
export function parseSecretTemplate(text: string): string {
  parseSecretRef(text);
  const names = [...text.matchAll(/\{([A-Za-z_-]*)\}/g)].map(([, name = ""]) => name);
  if (names.some((name) => name !== "ref")) {
    const near = names.some((name) => name !== "ref" && nearestName(name, ["ref"]) === "ref");
    throw new AppError("CONFIG_REF_INVALID", 'Cannot read secret: "{ref}" is the only placeholder', {
      hints: near ? ['Did you mean "{ref}"?'] : [],
    });
  }
  if (names.length > MAX_PLACEHOLDERS) {
    throw new AppError(
      "CONFIG_REF_INVALID",
      `Cannot read secret: "{ref}" is in it more than ${MAX_PLACEHOLDERS} times`,
    );
  }
  return text;
}
