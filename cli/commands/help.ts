import { writeStdout } from "../terminal/write.ts";
import { allOptions, type Arguments } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import { findCommand, groupOf } from "./find_command.ts";
import { COMMANDS } from "./table.ts";

/** `kz help [command]` */
export function helpCommand({ operands }: Arguments): Promise<number> {
  writeStdout(operands.length === 0 ? overview() : helpFor(operands));
  return Promise.resolve(0);
}

/** @throws {AppError} `USAGE_INVALID` for words that name nothing. */
function helpFor(words: readonly string[]): string {
  const named = findCommand(words);
  return named.kind === "command" ? commandHelp(named.spec) : groupHelp(named.name);
}

/** What `kz server` prints, and `kz help server`. */
export function groupHelp(name: string): string {
  return [
    `Usage: kz ${name} <command> [options]`,
    "",
    "Commands:",
    ...columns(groupOf(name).map((spec) => [spec.name.slice(name.length + 1), spec.summary])),
    "",
    `Run "kz help ${name} <command>" for the options of a command.`,
    "",
  ].join("\n");
}

/** What `kz --help` prints. */
export function overview(): string {
  return [
    "KeyZero gives programs the use of secrets, and keeps the values out of their sight.",
    "",
    "Usage: kz <command> [options]",
    "",
    "Commands:",
    ...columns(COMMANDS.map(({ name, summary }) => [name, summary])),
    "",
    "Options:",
    ...columns([["--version", "Show the version"], ["--help", "Show this help"]]),
    "",
    'Run "kz help <command>" for the options of a command.',
    "",
  ].join("\n");
}

/** What `kz help <command>` prints. */
export function commandHelp(spec: CommandSpec): string {
  const options = allOptions(spec).map(({ name, value, description }): [string, string] => [
    value === undefined ? `--${name}` : `--${name} <${value}>`,
    description,
  ]);
  const usage = `Usage: kz ${spec.name} ${spec.operands.usage}`.trimEnd();
  return [`${spec.summary}.`, "", usage, "", "Options:", ...columns(options), ""].join("\n");
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`);
}
