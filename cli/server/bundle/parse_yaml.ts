import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
} from "yaml";
import { AppError } from "../../../policy/error.ts";
import { formatKeyPath, type KeyPath } from "../../config/key_path.ts";
import type { LineIndex } from "../../config/line_index.ts";
import type { ConfigFile } from "../../config/problem.ts";

/** Tables and lists within each other; a bundle needs six. */
const MAX_DEPTH = 32;

/** What is said of the parser's errors, by their codes. Its own texts quote the file, which may hold a secret. */
const REASON: Readonly<Record<string, string | undefined>> = {
  BAD_DQ_ESCAPE: 'a backslash needs to be doubled, or the text be put in "\'"',
  BAD_INDENT: "this line is not indented as the lines around it",
  BAD_SCALAR_START: "text that begins with this character needs quotation marks",
  BLOCK_AS_IMPLICIT_KEY: "there are two keys in one line",
  MISSING_CHAR: "a colon, a comma, a bracket or a quotation mark is missing",
  RESOURCE_EXHAUSTION: "tables and lists are nested too deeply",
  TAB_AS_INDENT: "a tab is not allowed as indentation",
};

const QUOTE = 'Put text that holds ": ", " #", "[" or "{" into quotation marks';

/** A parsed file of YAML. */
export interface YamlFile {
  /** The file, with its lines. */
  readonly file: ConfigFile;
  /** Strings, numbers, true, false, null, lists, and tables without a prototype. */
  readonly value: unknown;
}

/**
 * Parses one document of YAML 1.2, its plain part alone: tables with text as keys, lists and scalars.
 *
 * Aliases and anchors (with them "billion laughs"), merge keys, tags, directives, keys that are no text or are there
 * twice, and a second document are refused: each lets a file mean something else than it seems to.
 *
 * @returns The file's value, or everything that is wrong: `CONFIG_SYNTAX_INVALID` with its line, and nothing of the text.
 */
export function parseYaml(file: ConfigFile): YamlFile | readonly AppError[] {
  const counter = new LineCounter();
  const [document, second] = parseDocuments(file.text, counter);
  if (document === undefined) return [syntaxError(file.label, "it is no YAML document, or an empty one")];
  const place = (offset: number) => {
    const { line, col } = counter.linePos(offset);
    return `${file.label}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    const reason = REASON[error.code];
    const hints = reason === undefined || error.code === "BLOCK_AS_IMPLICIT_KEY" ? [QUOTE] : [];
    return [syntaxError(place(error.pos[0]), reason ?? "it is not valid YAML", hints)];
  }
  if (second !== undefined) {
    return [syntaxError(place(second.range[0]), "a second document begins here; one is expected")];
  }
  if (hasDirectives(document)) return [syntaxError(file.label, "directives (lines that begin with %) are not read")];
  const reader = new NodeReader(file.label, counter);
  const value = reader.read(document.contents, []);
  if (reader.errors.length > 0) return reader.errors;
  return { file: { ...file, lines: lineIndex(document, counter) }, value };
}

function parseDocuments(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  try {
    return parseAllDocuments(text, {
      version: "1.2",
      schema: "core",
      strict: true,
      merge: false,
      // Checked below in linear time; the parser compares each key with each.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
      lineCounter,
    });
  } catch (error) {
    // The parser recurses: a document that is nested too deeply may end in a RangeError.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** `%YAML 1.1` would turn "no" into false, `%TAG` what a tag means. */
function hasDirectives({ directives, warnings }: Document.Parsed): boolean {
  return directives.yaml.explicit === true || Object.keys(directives.tags).length > 1 ||
    warnings.some(({ code }) => code === "BAD_DIRECTIVE");
}

/** Turns nodes into plain values by itself: the package's own way follows aliases. */
class NodeReader {
  readonly errors: AppError[] = [];
  readonly #label: string;
  readonly #counter: LineCounter;

  constructor(label: string, counter: LineCounter) {
    this.#label = label;
    this.#counter = counter;
  }

  read(node: unknown, at: KeyPath): unknown {
    if (node === null) return null;
    if (isAlias(node)) {
      return this.#refuse(node, at, 'aliases are not read; text that begins with "*" needs quotation marks');
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) throw new TypeError("Cannot read YAML: a node is unknown");
    if (node.anchor !== undefined) {
      return this.#refuse(node, at, 'anchors are not read; text that begins with "&" needs quotation marks');
    }
    if (node.tag !== undefined) return this.#refuse(node, at, "tags are not read; put text into quotation marks");
    if (at.length > MAX_DEPTH) return this.#refuse(node, [], "tables and lists are nested too deeply");
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...at, index]));
    const table: Record<string, unknown> = { __proto__: null };
    for (const { key, value } of node.items) {
      const name = this.#readKey(key, at);
      if (name === undefined) continue;
      if (Object.hasOwn(table, name)) this.#refuse(key, [...at, name], "this key is there twice");
      else table[name] = this.read(value, [...at, name]);
    }
    return table;
  }

  #readKey(key: unknown, at: KeyPath): string | undefined {
    if (isScalar(key) && key.anchor === undefined && key.tag === undefined && typeof key.value === "string") {
      if (key.value !== "<<" || key.type !== "PLAIN") return key.value;
      return this.#refuse(key, at, "merge keys are not read; write the keys out");
    }
    return this.#refuse(key, at, "a key is not text; put it into quotation marks");
  }

  #refuse(node: unknown, at: KeyPath, state: string): undefined {
    const line = lineOfNode(node, this.#counter);
    const where = line === undefined ? this.#label : `${this.#label}:${line}`;
    this.errors.push(syntaxError(where, at.length === 0 ? state : `${formatKeyPath(at)}: ${state}`));
  }
}

function lineIndex(document: Document.Parsed, counter: LineCounter): LineIndex {
  // Each table is searched once: a file may have a fault in each of its keys.
  const tables = new WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>();
  const pairsOf = (table: YAMLMap) => {
    const known = tables.get(table) ??
      new Map(table.items.map((pair) => [isScalar(pair.key) ? pair.key.value : 0, pair]));
    tables.set(table, known);
    return known;
  };
  return {
    find(path) {
      let node: unknown = document.contents;
      let line: number | undefined;
      for (const part of path) {
        const pair = isMap(node) ? pairsOf(node).get(part) : undefined;
        const item: unknown = isSeq(node) && typeof part === "number" ? node.items[part] : undefined;
        if (pair === undefined && item === undefined) return line;
        line = lineOfNode(pair?.key ?? item, counter) ?? line;
        node = pair === undefined ? item : pair.value;
      }
      return line;
    },
  };
}

function lineOfNode(node: unknown, counter: LineCounter): number | undefined {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range ? counter.linePos(range[0]).line : undefined;
}

function syntaxError(where: string, state: string, hints: readonly string[] = []): AppError {
  return new AppError("CONFIG_SYNTAX_INVALID", `Cannot read ${where}: ${state}`, { hints });
}
