import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import { type AST, parseTOML } from "toml-eslint-parser";
import { AppError } from "../../policy/error.ts";
import { isTable } from "./field.ts";

/** A key to add to a table of a TOML document. */
export interface NewEntry {
  /** The keys of the table, which is made if it is missing. */
  readonly table: readonly string[];
  /** A bare key. */
  readonly key: string;
  /** The value in TOML. */
  readonly value: string;
}

/**
 * Adds one line to a TOML document and leaves everything else as it is: comments, order, spaces, line ends.
 *
 * @param text A document that the strict parser takes.
 * @throws {AppError} `CONFIG_EXISTS` if the key is there; `CONFIG_NOT_EDITED` if a line cannot say it, as when the table
 * is written inline. The result is parsed again and compared, so that nothing else can change.
 */
export function insertEntry(text: string, entry: NewEntry): string {
  const line = `${entry.key} = ${entry.value}`;
  const wanted: Record<string, unknown> = parse(text);
  addTo(wanted, entry);
  const edited = insertLine(text, entry, line);
  if (!isDeepStrictEqual(tryParse(edited), wanted)) throw notEditable(line);
  return edited;
}

function insertLine(text: string, { table }: NewEntry, line: string): string {
  const eol = /\r\n/.test(text) ? "\r\n" : "\n";
  const node = tables(text).find(({ resolvedKey }) => isDeepStrictEqual(resolvedKey, [...table]));
  if (node === undefined) {
    const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
    return `${text}${gap}[${table.join(".")}]${eol}${line}${eol}`;
  }
  const last = node.body.at(-1);
  const at = last === undefined ? endOfComments(text, node.range[0]) : endOfLine(text, last.range[1]);
  const gap = text.slice(0, at).endsWith("\n") ? "" : eol;
  return `${text.slice(0, at)}${gap}${line}${eol}${text.slice(at)}`;
}

function tables(text: string): readonly AST.TOMLTable[] {
  try {
    const { body } = parseTOML(text, { tomlVersion: "latest" }).body[0];
    return body.flatMap((node) => node.type === "TOMLTable" && node.kind === "standard" ? [node] : []);
  } catch {
    // Nothing is found, and what is put at the end then is compared like any other edit.
    return [];
  }
}

/** Just after the line break of the line that holds `at`. */
function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

/** After a table's header and the comments right below it, which are about the table. */
function endOfComments(text: string, header: number): number {
  let at = endOfLine(text, header);
  while (/^[ \t]*#/.test(text.slice(at, at + 256))) at = endOfLine(text, at);
  return at;
}

function addTo(document: Record<string, unknown>, { table, key, value }: NewEntry): void {
  let at = document;
  for (const name of table) {
    const next = Object.hasOwn(at, name) ? at[name] : at[name] = parse("");
    if (!isTable(next)) throw notEditable(`${key} = ${value}`);
    at = next;
  }
  if (Object.hasOwn(at, key)) {
    throw new AppError("CONFIG_EXISTS", `Cannot add "${key}": it is declared already`, {
      hints: ["Change its entry in the file by hand"],
    });
  }
  at[key] = parse(`value = ${value}`)["value"];
}

function tryParse(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function notEditable(line: string): AppError {
  return new AppError(
    "CONFIG_NOT_EDITED",
    "Cannot add entry: the file is written in a way that one line cannot extend",
    {
      hints: [`Add it by hand: ${line}`],
    },
  );
}
