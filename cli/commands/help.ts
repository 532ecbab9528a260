import { AppError } from "../../policy/error.ts";
import { nearestName } from "../config/nearest.ts";
import { writeStdout } from "../terminal/write.ts";
import { allOptions, type Arguments } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import { COMMANDS } from "./table.ts";

/** `kz help [command]` */
export function helpCommand({ operands: [name] }: Arguments): Promise<number> {
  writeStdout(name === undefined ? overview() : commandHelp(findCommand(name)));
  return Promise.resolve(0);
}

/** @throws {AppError} `USAGE_INVALID`; the message never holds `name`. */
export function findCommand(name: string): CommandSpec {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec !== undefined) return spec;
  const near = nearestName(name, COMMANDS.map((command) => command.name));
  throw new AppError("USAGE_INVALID", "Cannot find command: there is none of that name", {
    hints: [near === undefined ? 'Run "kz help" to see the commands' : `Did you mean "kz ${near}"?`],
  });
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
