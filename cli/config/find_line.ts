import { type AST, parseTOML } from "toml-eslint-parser";
import type { KeyPath } from "./key_path.ts";
import type { LineIndex } from "./line_index.ts";

/** Indexes the lines of a TOML document, with a parser that, unlike the strict one, keeps them. */
export function indexLines(text: string): LineIndex {
  const lines = new Map<string, number>();
  // `[production]` may stand in a file only as the beginning of `[production.secrets]`.
  const implied = new Map<string, number>();
  for (const { at, line } of placesIn(text)) {
    lines.set(keyOf(at), lines.get(keyOf(at)) ?? line);
    for (let depth = at.length - 1; depth > 0 && !implied.has(keyOf(at.slice(0, depth))); depth--) {
      implied.set(keyOf(at.slice(0, depth)), line);
    }
  }
  return {
    find(path) {
      for (let depth = path.length; depth > 0; depth--) {
        const key = keyOf(path.slice(0, depth));
        const line = lines.get(key) ?? implied.get(key);
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

const keyOf = (path: KeyPath): string => JSON.stringify(path);

interface Found {
  readonly at: KeyPath;
  readonly line: number;
}

function placesIn(text: string): readonly Found[] {
  try {
    return [...tablePlaces(parseTOML(text, { tomlVersion: "latest" }).body[0].body)];
  } catch {
    // The strict parser took the document, so a difference between the two costs the lines and nothing else.
    return [];
  }
}

function* tablePlaces(body: AST.TOMLTopLevelTable["body"]): Generator<Found> {
  for (const node of body) {
    if (node.type === "TOMLKeyValue") yield* keyValue(node, []);
    else {
      yield { at: node.resolvedKey, line: node.loc.start.line };
      for (const entry of node.body) yield* keyValue(entry, node.resolvedKey);
    }
  }
}

function* keyValue(node: AST.TOMLKeyValue, base: KeyPath): Generator<Found> {
  const at = [...base, ...node.key.keys.map((key) => key.type === "TOMLBare" ? key.name : key.value)];
  yield { at, line: node.loc.start.line };
  yield* valuePlaces(node.value, at);
}

function* valuePlaces(node: AST.TOMLContentNode, at: KeyPath): Generator<Found> {
  if (node.type === "TOMLInlineTable") {
    for (const entry of node.body) yield* keyValue(entry, at);
  } else if (node.type === "TOMLArray") {
    for (const [index, item] of node.elements.entries()) {
      yield { at: [...at, index], line: item.loc.start.line };
      yield* valuePlaces(item, [...at, index]);
    }
  }
}
