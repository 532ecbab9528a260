import { AppError } from "../../policy/error.ts";
import { nearestName } from "../config/nearest.ts";
import type { CommandSpec } from "./command.ts";
import { COMMANDS } from "./table.ts";

/** What the first words of a command line name. */
export type NamedCommand =
  | { readonly kind: "command"; readonly spec: CommandSpec; readonly rest: readonly string[] }
  /** The first word of several commands alone, such as `server`. */
  | { readonly kind: "group"; readonly name: string; readonly rest: readonly string[] };

/** The first word of a command's name. */
export function firstWord({ name }: CommandSpec): string {
  return name.split(" ", 1)[0]!;
}

/** The commands that begin with a word, where it is not a command itself; none for another word. */
export function groupOf(word: string): readonly CommandSpec[] {
  return COMMANDS.filter((spec) => spec.name !== word && firstWord(spec) === word);
}

/**
 * Finds the command that a command line begins with: one word, or two.
 *
 * @throws {AppError} `USAGE_INVALID` if there is none; the message never holds a word that was typed.
 */
export function findCommand([first = "", ...rest]: readonly string[]): NamedCommand {
  const single = COMMANDS.find(({ name }) => name === first);
  if (single !== undefined) return { kind: "command", spec: single, rest };
  const group = groupOf(first);
  if (group.length === 0) throw unknown(first, [...new Set(COMMANDS.map(firstWord))], "kz ");
  const [second, ...others] = rest;
  if (second === undefined || second.startsWith("-")) return { kind: "group", name: first, rest };
  const spec = group.find(({ name }) => name === `${first} ${second}`);
  if (spec === undefined) throw unknown(second, group.map(({ name }) => name.slice(first.length + 1)), `kz ${first} `);
  return { kind: "command", spec, rest: others };
}

function unknown(word: string, names: readonly string[], before: string): AppError {
  const near = nearestName(word, names);
  return new AppError("USAGE_INVALID", "Cannot find command: there is none of that name", {
    hints: [near === undefined ? 'Run "kz help" to see the commands' : `Did you mean "${before}${near}"?`],
  });
}
