import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStrictJson } from "../../../cli/server/identity/strict_json.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

const MAX_DEPTH = 8;

/** Why JSON that is valid may still be refused. */
type Reason = "name" | "text" | "number" | "depth";

const words = [
  ..."{}[]:,",
  '"a"',
  '"\\u0061"',
  '"b"',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  "1",
  "-0",
  "9007199254740991",
  "9007199254740993",
  "9007199254740993.0",
  "0.99999999999999999999",
  "1e400",
  "1e-400",
  "0e400",
  "true",
  "null",
];

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(...words.slice(6), nested(MAX_DEPTH - 1), nested(MAX_DEPTH), nested(MAX_DEPTH + 1)),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(fc.constantFrom(...words.slice(6, 13)), tie("value")), { maxLength: 3 })
      .map((members) => `{${members.map(([name, inner]) => `${name}:${inner}`).join(",")}}`),
  ),
}));

/**
 * TM-33: strict JSON reads what `JSON.parse()` reads, and refuses only with a reason: what a naive reader, that keeps
 * every member and every number as it is written, finds two meanings in.
 */
export const strictJson: FuzzTarget = {
  name: "strict-json",
  inputs: value.map((text) => new TextEncoder().encode(text)),
  dictionary: [...words, "e", ".", "0", "-", "\\", '\\"', "\\u0022", " ", "\n", "\v", "\xa0", "[".repeat(9)],
  check(input) {
    const text = new TextDecoder().decode(input);
    let expected: unknown;
    let isJson = true;
    try {
      expected = JSON.parse(text);
    } catch {
      isJson = false;
    }
    const reasons = isJson ? new NaiveReader(text).reasons() : undefined;
    let read: unknown;
    try {
      read = parseStrictJson(text, { maxDepth: MAX_DEPTH });
    } catch (error) {
      assert.ok(error instanceof SyntaxError && error.cause === undefined);
      assert.match(error.message, /^Cannot read JSON: (?:it|a) [a-zA-Z ]+$/);
      assert.ok(reasons === undefined || reasons.size > 0, "refused without a reason");
      return false;
    }
    assert.deepEqual([...reasons ?? ["no JSON"]], []);
    assert.deepEqual(read, expected);
    return true;
  },
};

/** Reads JSON that is known to be valid, and looks at what `JSON.parse()` throws away. */
class NaiveReader {
  readonly #text: string;
  readonly #reasons = new Set<Reason>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  reasons(): ReadonlySet<Reason> {
    this.#value(0);
    return this.#reasons;
  }

  #take(pattern: RegExp): string {
    const sticky = new RegExp(pattern, "y");
    sticky.lastIndex = this.#at;
    const [found = ""] = sticky.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #value(depth: number): void {
    this.#take(/[ \t\r\n]*/);
    switch (this.#text[this.#at]) {
      case "{":
      case "[":
        if (depth === MAX_DEPTH) this.#reasons.add("depth");
        this.#items(this.#take(/[{[]/) === "{", depth + 1);
        break;
      case '"':
        this.#string();
        break;
      default: {
        const literal = this.#take(/[-+.\w]+/);
        if (!/^[a-z]/.test(literal) && !isHeld(literal)) this.#reasons.add("number");
      }
    }
    this.#take(/[ \t\r\n]*/);
  }

  #items(isObject: boolean, depth: number): void {
    const names: string[] = [];
    while (this.#take(/[ \t\r\n]*[}\],]?/), !/[}\]]/.test(this.#text[this.#at - 1]!)) {
      if (isObject) {
        this.#take(/[ \t\r\n]*/);
        names.push(this.#string());
        this.#take(/[ \t\r\n]*:/);
      }
      this.#value(depth);
    }
    if (new Set(names).size < names.length || names.includes("__proto__")) this.#reasons.add("name");
  }

  #string(): string {
    const text = String(JSON.parse(this.#take(/"(?:[^"\\]|\\.)*"/s)));
    if (!text.isWellFormed()) this.#reasons.add("text");
    return text;
  }
}

/** Whether a number is what its digits say, as far as whole numbers go. */
function isHeld(literal: string): boolean {
  const number = Number(literal);
  if (literal.length > 64 || !Number.isFinite(number)) return false;
  return !Number.isInteger(number) ||
    (Number.isSafeInteger(number) && plainDigits(literal) === String(Math.abs(number)));
}

/** Of a number's text: the point moved to where the exponent says, without zeros that say nothing. */
function plainDigits(literal: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = /^-?(\d+)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(literal) ?? [];
  const digits = whole + fraction;
  if (/^0*$/.test(digits)) return "0";
  const point = whole.length + Math.max(-400, Math.min(400, Number(exponent)));
  const before = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
  const after = point <= 0 ? "0".repeat(-point) + digits : digits.slice(point);
  return `${before.replace(/^0+(?=\d)/, "")}.${after}`.replace(/\.?0*$/, "");
}
