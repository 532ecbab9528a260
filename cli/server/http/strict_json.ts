import { Denial } from "../../../policy/server/denial.ts";

/** White space, a string, or a single structural character; the rest of a scalar is skipped. */
const TOKEN_REGEXP = /"(?:[^"\\]|\\.)*"|[[\]{},:]/gs;

/**
 * Reads JSON as strictly as a decision needs: UTF-8 without faults, each member once, bounded nesting (RFC 8259 §4, §8.1).
 *
 * A member `__proto__`, and text with half of a surrogate pair, are refused as well: what comes after may read them in
 * another way than what was checked.
 *
 * @throws {Denial} `REQUEST_INVALID`; its detail never holds anything of the input.
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth: number): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON in UTF-8");
  }
  checkMembers(text, maxDepth);
  return value;
}

/** @param text Valid JSON. */
function checkMembers(text: string, maxDepth: number): void {
  /** One for each open array (undefined) or object (its names so far). */
  const open: (Set<string> | undefined)[] = [];
  let nameNext = false;
  for (const [token] of text.matchAll(TOKEN_REGEXP)) {
    switch (token) {
      case "{":
      case "[":
        if (open.push(token === "{" ? new Set() : undefined) > maxDepth) throw invalid("the JSON is nested too deeply");
        nameNext = token === "{";
        break;
      case "}":
      case "]":
        open.pop();
        nameNext = false;
        break;
      case ",":
        nameNext = open.at(-1) !== undefined;
        break;
      case ":":
        break;
      default:
        checkString(token, nameNext ? open.at(-1) : undefined);
        nameNext = false;
    }
  }
}

/** @param names Of the object that this string is a member's name of; undefined if it is a value. */
function checkString(token: string, names: Set<string> | undefined): void {
  if (names === undefined && !token.includes("\\u")) return;
  const text: string = JSON.parse(token);
  if (!text.isWellFormed()) throw invalid("the JSON holds half of a surrogate pair");
  if (names === undefined) return;
  if (names.has(text)) throw invalid("the JSON has a member twice");
  if (text === "__proto__") throw invalid("the JSON has a member that is not allowed");
  names.add(text);
}

function invalid(detail: string): Denial {
  return new Denial("REQUEST_INVALID", { detail });
}
