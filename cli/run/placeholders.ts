import { AppError } from "../../policy/error.ts";
import type { KzConfig } from "../config/model.ts";

/** `{{NAME}}`; without white space, so that templates of other programs stay as they are. */
const PLACEHOLDER_REGEXP = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}/g;

/** The declared secrets that arguments name as `{{NAME}}`. Anything else in braces is not ours. */
export function namedInArguments(args: readonly string[], config: KzConfig): string[] {
  const declared: ReadonlyMap<string, unknown> = config.secrets;
  const names = args.flatMap((arg) => Array.from(arg.matchAll(PLACEHOLDER_REGEXP), ([, name]) => name!));
  return [...new Set(names)].filter((name) => declared.has(name));
}

/** @throws {AppError} `USAGE_ARGUMENT_PUBLIC`: every user of the machine can read a program's arguments. */
export function refusePlaceholders(args: readonly string[], config: KzConfig): void {
  const [name] = namedInArguments(args, config);
  if (name === undefined) return;
  throw new AppError(
    "USAGE_ARGUMENT_PUBLIC",
    `Cannot put ${name} into an argument: arguments can be read by every process`,
    {
      hints: [`Let the program read the variable ${name}, or use --blind, where an argument holds a masked token only`],
    },
  );
}

/**
 * Replaces `{{NAME}}` by the masked text of a secret.
 *
 * @param variables What the child sees of each secret.
 * @throws {AppError} `USAGE_ARGUMENT_UNKNOWN` for a declared secret that this run does not have.
 */
export function fillPlaceholders(
  args: readonly string[],
  { config, variables }: { config: KzConfig; variables: Readonly<Record<string, string>> },
): string[] {
  for (const name of namedInArguments(args, config)) {
    if (Object.hasOwn(variables, name)) continue;
    throw new AppError("USAGE_ARGUMENT_UNKNOWN", `Cannot fill {{${name}}}: this run does not have that secret`, {
      hints: ["Add it to --only, set expose = true, or store its value if it is optional"],
    });
  }
  return args.map((arg) =>
    arg.replace(PLACEHOLDER_REGEXP, (whole, name: string) => Object.hasOwn(variables, name) ? variables[name]! : whole)
  );
}
