import { AppError } from "../../policy/error.ts";
import type { Fault } from "./field.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";
import type { LineIndex } from "./line_index.ts";

/** A configuration file that was read. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** As it is shown. */
  readonly label: string;
  readonly text: string;
  /** Where its values stand, from a parser that keeps lines; absent: the text is TOML, indexed when somebody asks. */
  readonly lines?: LineIndex;
}

/** A value in a file. */
export interface Place {
  readonly file: ConfigFile;
  readonly path: KeyPath;
}

/** A fault with its place. */
export interface Problem {
  readonly place: Place;
  readonly fault: Fault;
}

const indexes = new WeakMap<ConfigFile, LineIndex>();

/**
 * The line of a value, from 1; undefined if it cannot be told.
 *
 * The parser that knows the lines of TOML is loaded here and not before: without a problem nobody asks.
 */
export async function lineOf({ file, path }: Place): Promise<number | undefined> {
  let index = file.lines ?? indexes.get(file);
  if (index === undefined) {
    const { indexLines } = await import("./find_line.ts");
    indexes.set(file, index = indexLines(file.text));
  }
  return index.find(path);
}

/** `Cannot read <file>:<line>: <key>: <state>`. */
export async function problemError(problem: Problem): Promise<AppError> {
  const { place: { file, path }, fault } = problem;
  const line = await lineOf(problem.place);
  const where = line === undefined ? file.label : `${file.label}:${line}`;
  const key = path.length === 0 ? "" : `${formatKeyPath(path)}: `;
  return new AppError(fault.code, `Cannot read ${where}: ${key}${fault.state}`, { hints: fault.hints ?? [] });
}
