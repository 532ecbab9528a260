import { AppError } from "../policy/error.ts";

/**
 * The longest value: what AWS Secrets Manager holds, and half of what one Linux environment string can carry
 * (`MAX_ARG_STRLEN`, 128 KiB), which has to hold a composed secret too.
 */
export const MAX_VALUE_BYTES = 65_536;

/**
 * Checks that bytes can be a secret value: not empty, at most {@linkcode MAX_VALUE_BYTES}, UTF-8 and without NUL, which
 * neither an environment variable nor a header can carry.
 *
 * @param subject What the value is, for the message, such as `secret "a" of provider "env"`.
 * @throws {AppError} `PROVIDER_VALUE_INVALID`; the message never holds a byte of the value.
 */
export function checkValue(subject: string, verb: "read" | "store", bytes: Uint8Array): void {
  const state = problemOf(bytes);
  if (state !== undefined) {
    throw new AppError("PROVIDER_VALUE_INVALID", `Cannot ${verb} ${subject}: the value ${state}`);
  }
}

function problemOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "is empty";
  if (bytes.length > MAX_VALUE_BYTES) return `is longer than ${MAX_VALUE_BYTES} bytes`;
  if (bytes.includes(0)) return "holds a NUL byte, which no variable and no header can carry";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return undefined;
  } catch {
    return "is not UTF-8 text";
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
