import { pointer } from "../../policy/placement.ts";

/** A string value in a JSON text. */
export interface JsonString {
  /** Of its first character behind the quotation mark, and of the closing one. */
  readonly start: number;
  readonly end: number;
  /** The JSON Pointer that leads to it. */
  readonly pointer: string;
  /** It is a member's name, which stands in no field. */
  readonly isName: boolean;
}

/** Deeper texts are refused: no API nests like that, and each level costs. */
const MAX_DEPTH = 64;

/**
 * Lists every string of a JSON text with the path that leads to it, so that one can be replaced and the rest of the text
 * stays byte for byte.
 *
 * @param text Valid JSON (`JSON.parse` has read it).
 * @throws {RangeError} for a text that nests too deeply, or names a member of an object twice: readers differ on which
 * one counts (RFC 8259 §4).
 */
export function jsonStrings(text: string): JsonString[] {
  const found: JsonString[] = [];
  /** Where we are: an object with its current member, or an array with its current index. */
  const stack: { names: Set<string> | undefined; key: string; index: number; expectName: boolean }[] = [];
  const path = () => pointer(stack.map((level) => level.names === undefined ? String(level.index) : level.key));
  for (let at = 0; at < text.length; at++) {
    const level = stack.at(-1);
    switch (text[at]) {
      case "{":
      case "[":
        if (stack.length === MAX_DEPTH) throw new RangeError("Cannot read JSON: it nests too deeply");
        stack.push({
          names: text[at] === "{" ? new Set() : undefined,
          key: "",
          index: 0,
          expectName: text[at] === "{",
        });
        break;
      case "}":
      case "]":
        stack.pop();
        break;
      case ",":
        if (level !== undefined) {
          level.index++;
          level.expectName = level.names !== undefined;
        }
        break;
      case '"': {
        const end = closingQuote(text, at + 1);
        const isName = level?.expectName === true;
        if (isName && level?.names !== undefined) {
          level.key = String(JSON.parse(text.slice(at, end + 1)));
          if (level.names.has(level.key)) throw new RangeError("Cannot read JSON: a member is named twice");
          level.names.add(level.key);
          level.expectName = false;
        }
        found.push({ start: at + 1, end, pointer: path(), isName });
        at = end;
        break;
      }
    }
  }
  return found;
}

function closingQuote(text: string, from: number): number {
  let at = from;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
