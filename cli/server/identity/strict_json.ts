/** Deep enough for any token or key set. */
const MAX_DEPTH = 32;

/** Far more than the digits of a double. */
const MAX_NUMBER_CHARACTERS = 64;

const NUMBER_REGEXP = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

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

/**
 * A whole number that a double cannot hold would be equal to its neighbours, however it is written, and so would what is
 * only nearly one.
 */
function checkNumber(token: string): void {
  if (!/^[-\d]/.test(token)) return;
  const number = Number(token);
  const isHeld = token.length <= MAX_NUMBER_CHARACTERS && Number.isFinite(number) &&
    (!Number.isInteger(number) || (Number.isSafeInteger(number) && isWhole(token, number)));
  if (!isHeld) throw new SyntaxError("Cannot read JSON: a number cannot be held");
}

/** Whether a number's text means this whole number and no other. */
function isWhole(token: string, number: number): boolean {
  const [, whole = "", fraction = "", exponent = "0"] = NUMBER_REGEXP.exec(token) ?? [];
  const digits = BigInt(whole + fraction);
  // An exponent may be any size where the number is zero.
  if (digits === 0n || number === 0) return digits === 0n;
  const shift = Number(exponent) - fraction.length;
  const expected = BigInt(Math.abs(number));
  return shift < 0 ? digits === expected * 10n ** BigInt(-shift) : digits * 10n ** BigInt(shift) === expected;
}
