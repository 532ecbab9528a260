import { parse, TomlError } from "smol-toml";
import { AppError } from "../../policy/error.ts";
import type { ConfigFile } from "./problem.ts";

/**
 * What the parser says that is worth passing on. Everything else it says, and the piece of the file that it quotes, may
 * hold a secret.
 */
const REASON: Readonly<Record<string, string>> = {
  "trying to redefine an already defined table or value": "this key is defined twice",
  "trying to redefine an already defined value": "this key is defined twice",
  "invalid value": "this is no value of TOML; text needs quotation marks",
  "unfinished string": "a string is not closed",
  "unfinished table": "a table is not closed",
  "unfinished array": "a list is not closed",
  "expected comma or end of structure": "a comma or the end of a table or list is missing",
  "each key-value declaration must be followed by an end-of-line": "one key and value to a line is expected",
  "unrecognised escape sequence": 'a backslash needs to be doubled, or the string be put in "\'"',
  "control characters are not allowed in strings": "a string is not closed, or holds a control character",
};

/**
 * Parses a file of TOML 1.0, strictly: a key that is defined twice is an error.
 *
 * @throws {AppError} `CONFIG_SYNTAX_INVALID` with line and column, and nothing of the text.
 */
export function parseToml(file: ConfigFile): Readonly<Record<string, unknown>> {
  try {
    return parse(file.text);
  } catch (error) {
    if (!(error instanceof TomlError)) {
      // The parser recurses: a document nested too deeply ends in a RangeError.
      throw new AppError("CONFIG_SYNTAX_INVALID", `Cannot read ${file.label}: it is not valid TOML`);
    }
    const { line, column, message } = error;
    const reason = REASON[/^Invalid TOML document: ([^\n]*)/.exec(message)?.[1] ?? ""] ?? "it is not valid TOML";
    throw new AppError("CONFIG_SYNTAX_INVALID", `Cannot read ${file.label}:${line}:${column}: ${reason}`, {
      hints: ["See https://toml.io for the syntax"],
    });
  }
}
