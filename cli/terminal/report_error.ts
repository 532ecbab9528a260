import { AppError, EXIT, toWireError } from "../../policy/error.ts";
import { type Style, styleFor } from "./style.ts";
import { writeStderr } from "./write.ts";

/** Writes errors to standard error, one block each. */
export function reportErrors(thrown: readonly unknown[]): void {
  writeStderr(thrown.map(errorText).join("\n"));
}

/** An error as it is written to standard error. */
export function errorText(thrown: unknown): string {
  return renderError(thrown, styleFor(Deno.stderr, (name) => Deno.env.get(name)));
}

/** The exit status that an error asks for: that of its kind, 70 for anything that is no `AppError`. */
export function exitStatusOf(thrown: unknown): number {
  return thrown instanceof AppError ? thrown.exitStatus : EXIT.bug;
}

/** `error[CODE]: …`, a line for each cause, an empty line, a line for each hint. */
export function renderError(thrown: unknown, style: Style): string {
  const { code, message, hints, causes } = toWireError(thrown);
  const lines = [
    `${style.error(`error[${code}]`)}: ${printable(message)}`,
    // A foreign error gives away its class alone, and "Error" says nothing.
    ...causes.filter((cause) => cause !== "Error").map((cause) => `${style.strong("cause")}: ${printable(cause)}`),
  ];
  if (hints.length > 0) lines.push("", ...hints.map((hint) => `${style.strong("hint")}: ${printable(hint)}`));
  return `${lines.join("\n")}\n`;
}

/**
 * Replaces what could steer a terminal or pretend to be a line of ours: control characters (also of C1), line and
 * paragraph separators, and marks that turn the direction of writing.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "�");
}
