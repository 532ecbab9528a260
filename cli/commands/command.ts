import type { Surroundings } from "../config/config_files.ts";
import type { Arguments } from "./arguments.ts";

/** An option of a command. */
export interface OptionSpec {
  /** Long form, without dashes. */
  readonly name: string;
  /** What its value is called in the help; absent: the option is a switch. */
  readonly value?: string;
  /** It may be given several times, and each time with several names between commas. */
  readonly list?: boolean;
  /** It may be given several times, and each value is taken as it is. */
  readonly repeated?: boolean;
  readonly description: string;
}

/** A sub-command, as the parser, the help and the completions see it. */
export interface CommandSpec {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** What follows the options. `rest`: a program and its arguments, which are not ours to read. */
  readonly operands: {
    readonly usage: string;
    readonly min: number;
    readonly max: number;
    readonly rest?: boolean;
    /** The words that it may be, for completion. */
    readonly completes?: readonly string[];
    /** Why one too many is refused, if there is more to say. */
    readonly excessHint?: string;
  };
  /** It changes or stores something, so that a program in a blind run may not start it (TM-31). */
  readonly changes: boolean;
  /** Loads what the command needs, and nothing before. */
  readonly load: () => Promise<RunCommand>;
}

/** @returns The exit status. */
export type RunCommand = (args: Arguments, around: Surroundings) => Promise<number>;
