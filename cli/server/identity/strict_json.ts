/** Deep enough for any token or key set. */
const MAX_DEPTH = 32;

/** The tokens of JSON that is known to be valid; what lies between them is white space. */
const TOKEN_REGEXP = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/**
 * Reads JSON in which nothing can be read in two ways: no name stands twice in an object, however it is spelled, no number
 * is rounded, no text has half a character, no name is `__proto__`.
 *
 * `JSON.parse()` lets the last of two members win where another reader takes the first, and a verifier and its issuer may
 * then speak of different tokens (TM-33).
 *
 * @param maxDepth Of objects and lists in each other.
 * @throws {SyntaxError} The message never holds `text`.
 */
export function parseStrictJson(text: string, { maxDepth = MAX_DEPTH } = {}): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its message holds a part of the text.
    throw new SyntaxError("Cannot read JSON: it is not valid");
  }
  /** The names seen in each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (const [token] of text.matchAll(TOKEN_REGEXP)) {
    switch (token[0]) {
      case "{":
      case "[":
        open.push(token === "{" ? new Set() : undefined);
        if (open.length > maxDepth) throw new SyntaxError("Cannot read JSON: it is nested too deeply");
        expectsName = token === "{";
        break;
      case "}":
      case "]":
        open.pop();
        expectsName = false;
        break;
      case ",":
        expectsName = open.at(-1) !== undefined;
        break;
      case ":":
        expectsName = false;
        break;
      case '"':
        checkText(token, expectsName ? open.at(-1) : undefined);
        break;
      default:
        checkNumber(token);
    }
  }
  return value;
}

function checkText(token: string, names: Set<string> | undefined): void {
  const text: unknown = JSON.parse(token);
  if (typeof text !== "string" || !text.isWellFormed()) {
    throw new SyntaxError("Cannot read JSON: a text is not Unicode");
  }
  if (names === undefined) return;
  if (names.has(text)) throw new SyntaxError("Cannot read JSON: a name stands twice");
  // Where the object is copied it could become the copy's prototype.
  if (text === "__proto__") throw new SyntaxError("Cannot read JSON: a name is reserved");
  names.add(text);
}

/** A whole number that a double cannot hold would be equal to its neighbours. */
function checkNumber(token: string): void {
  if (!/^[-\d]/.test(token)) return;
  const number = Number(token);
  if (!Number.isFinite(number) || (/^-?\d+$/.test(token) && !Number.isSafeInteger(number))) {
    throw new SyntaxError("Cannot read JSON: a number cannot be held");
  }
}
