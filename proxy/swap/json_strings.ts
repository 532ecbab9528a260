import { pointer } from "../../policy/placement.ts";
import { LIMITS } from "../limits.ts";

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

/** Where we are: in an object with its current member, or in an array with its current index. */
interface Level {
  /** The JSON Pointer of the object or array itself. */
  readonly prefix: string;
  /** Of the members so far; absent for an array. */
  readonly names: Set<string> | undefined;
  /** The current member, as a step of a pointer. */
  step: string;
  index: number;
  expectName: boolean;
}

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
  const stack: Level[] = [];
  // Joined from what is known of the levels above: a long name over many strings is not written out for each (TM-24).
  const path = (level: Level | undefined) =>
    level === undefined ? "" : level.prefix + (level.names === undefined ? `/${level.index}` : level.step);
  for (let at = 0; at < text.length; at++) {
    const level = stack.at(-1);
    switch (text[at]) {
      case "{":
      case "[":
        if (stack.length === LIMITS.jsonDepth) throw new RangeError("Cannot read JSON: it nests too deeply");
        stack.push({
          prefix: path(level),
          names: text[at] === "{" ? new Set() : undefined,
          step: "",
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
          const name = String(JSON.parse(text.slice(at, end + 1)));
          if (level.names.has(name)) throw new RangeError("Cannot read JSON: a member is named twice");
          level.names.add(name);
          level.step = pointer([name]);
          level.expectName = false;
        }
        found.push({ start: at + 1, end, pointer: path(level), isName });
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
