import { parseArgs } from "node:util";
import { AppError } from "../../policy/error.ts";
import { nearestName } from "../config/nearest.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";

/** The arguments of one command, checked against its spec. */
export interface Arguments {
  readonly help: boolean;
  has(option: string): boolean;
  value(option: string): string | undefined;
  /** Undefined if the option was not given. */
  list(option: string): readonly string[] | undefined;
  /** Each value of an option that may be repeated, in order. */
  all(option: string): readonly string[];
  /** Byte for byte as they came. */
  readonly operands: readonly string[];
}

const HELP: OptionSpec = { name: "help", description: "Show this help" };

/** The options of a command with those that every command has. */
export function allOptions(spec: CommandSpec): readonly OptionSpec[] {
  return [...spec.options, HELP];
}

/**
 * Reads the arguments after a command's name.
 *
 * With `rest`, options end at the first argument that is none, and all from there on is left as it is; a first `--`
 * before it is taken away.
 *
 * @throws {AppError} `USAGE_INVALID`. What was typed is never in the message, since it may be a secret: arguments are
 * told by their number, counted after the command's name from 1.
 */
export function parseArguments(spec: CommandSpec, args: readonly string[]): Arguments {
  const options = allOptions(spec);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([
      ...options.map(({ name, value }) => [name, { type: value === undefined ? "boolean" : "string" } as const]),
    ]),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "option") {
      const option = checkOption(spec, token);
      const values = given.get(option.name) ?? [];
      if (values.length > 0 && !option.list && !option.repeated) {
        throw usage(spec, `--${option.name} is given more than once`);
      }
      given.set(option.name, [...values, token.value ?? ""]);
    } else if (spec.operands.rest) {
      operands.push(...args.slice(token.kind === "option-terminator" ? token.index + 1 : token.index));
      break;
    } else if (token.kind === "positional") operands.push(token.value);
  }
  const help = given.has("help");
  if (!help) checkOperands(spec, operands.length);
  return {
    help,
    operands,
    has: (option) => given.has(option),
    value: (option) => given.get(option)?.[0],
    all: (option) => given.get(option) ?? [],
    list: (option) => given.get(option)?.flatMap((value) => value.split(",").filter((name) => name !== "")),
  };
}

interface OptionToken {
  readonly index: number;
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkOption(spec: CommandSpec, token: OptionToken): OptionSpec {
  const options = allOptions(spec);
  const name = token.rawName === "-h" ? "help" : token.rawName.startsWith("--") ? token.name : "";
  const option = options.find((known) => known.name === name);
  if (option === undefined) {
    const near = nearestName(token.name, options.map((known) => known.name));
    throw usage(spec, `argument ${token.index + 1} is not an option of it`, [
      near === undefined ? `Run "kz help ${spec.name}" to see its options` : `Did you mean "--${near}"?`,
    ]);
  }
  if (option.value === undefined && token.value !== undefined) throw usage(spec, `--${option.name} takes no value`);
  // `--env --blind`: the value was forgotten.
  const forgotten = token.value === undefined || token.value === "" ||
    (!token.inlineValue && token.value.startsWith("-"));
  if (option.value !== undefined && forgotten) throw usage(spec, `--${option.name} needs a value`);
  return option;
}

function checkOperands(spec: CommandSpec, count: number): void {
  const { min, max, usage: form, excessHint } = spec.operands;
  const how = `Write: kz ${spec.name} ${form}`;
  if (count < min) throw usage(spec, "an argument is missing", [how]);
  if (count > max) throw usage(spec, "there is an argument too many", [excessHint ?? how]);
}

function usage(spec: CommandSpec, state: string, hints: readonly string[] = []): AppError {
  return new AppError("USAGE_INVALID", `Cannot run "kz ${spec.name}": ${state}`, { hints });
}
