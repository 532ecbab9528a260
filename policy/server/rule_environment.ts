import { type CelEnv, celEnv, celFunc, celList, CelScalar, listType, mapType } from "@bufbuild/cel";
import { RE2JS } from "@bufbuild/re2";
import { matchesRef, parseRefPattern, parseResourceRef, type RefPattern } from "./resource_ref.ts";

// What a rule can name and call, and how much one evaluation may do.

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);
const MAP = mapType(DYN, DYN);

/** About who calls. */
export const IDENTITY_VARIABLES = {
  issuer: STRING,
  org: STRING,
  service: STRING,
  env: STRING,
  action: STRING,
  branch: STRING,
  actor: STRING,
  groups: LIST,
  claims: MAP,
} as const;

/** All that a policy may ask. `context` is what the caller says of itself, and proves nothing (TM-37). */
export const VARIABLES = { ...IDENTITY_VARIABLES, ref: STRING, context: MAP, request: MAP } as const;
export type Variable = keyof typeof VARIABLES;

/** The keys of `request`, all present for a fetch and none for a resolve. */
export const REQUEST_FIELDS: ReadonlySet<string> = new Set(["host", "method", "path"]);

/** Elements that the comprehensions of one evaluation may look at in all, so that nested ones end. */
const MAX_STEPS = 20_000;
/** Longest text, bytes or list that `+` may make: nested comprehensions could double one without end. */
const MAX_SUM = 65_536;
const MAX_LIST = 4_096;
/** Texts that an expression is tried on: RE2's time is the product of both lengths. */
const MAX_SUBJECT = 8_192;

/** What one rule brings along: its literals, read once when it was compiled. */
export interface Prepared {
  readonly expressions: ReadonlyMap<string, Expression>;
  readonly patterns: ReadonlyMap<string, RefPattern>;
}

export interface Expression {
  test(text: string): boolean;
}

/** Of the evaluation that runs now. Evaluation is synchronous and calls no other. */
let running: { readonly prepared: Prepared; steps: number } | undefined;

/** Runs one evaluation with a budget of its own. */
export function withBudget<T>(prepared: Prepared, evaluate: () => T): T {
  running = { prepared, steps: 0 };
  try {
    return evaluate();
  } finally {
    running = undefined;
  }
}

/** @throws {Error} for what RE2 does not read; its message holds the expression. */
export function compileExpression(source: string): Expression {
  return RE2JS.compile(source);
}

/** The names that rules are rewritten to; no rule can write them. */
export const STEP = "@step";
export const PLAIN = "@plain";
export const HAS = "@has";

// An error that is thrown here becomes an error of CEL and denies; its text is never shown.

function step(goesOn: boolean): boolean {
  if (running === undefined || ++running.steps > MAX_STEPS) throw new RangeError("too many steps");
  return goesOn;
}

/** A piece that is put into a pattern of `glob()`: a `*` in a claim must not widen the operator's pattern (TM-35). */
function plain(piece: string): string {
  if (piece.includes("*")) throw new RangeError("a spliced piece of a pattern holds a star");
  return piece;
}

function glob(pattern: string, ref: string): boolean {
  return matchesRef(running?.prepared.patterns.get(pattern) ?? parseRefPattern(pattern), parseResourceRef(ref));
}

function bounded(length: number, max: number): void {
  if (length > max) throw new RangeError("a sum is too long");
}

const FUNCTIONS = [
  celFunc("glob", [STRING, STRING], BOOL, glob),
  celFunc(STEP, [BOOL], BOOL, step),
  celFunc(PLAIN, [STRING], STRING, plain),
  // The library takes a key whose value is null for absent, and anything that is no map for an empty one.
  celFunc(HAS, [MAP, STRING], BOOL, (map, key) => map.get(key) !== undefined),
  celFunc("@in", [STRING, MAP], BOOL, (key, map) => map.get(key) !== undefined),
  celFunc("_+_", [STRING, STRING], STRING, (left, right) => {
    bounded(left.length + right.length, MAX_SUM);
    return left + right;
  }),
  celFunc("_+_", [BYTES, BYTES], BYTES, (left, right) => {
    bounded(left.length + right.length, MAX_SUM);
    const sum = new Uint8Array(left.length + right.length);
    sum.set(left);
    sum.set(right, left.length);
    return sum;
  }),
  celFunc("_+_", [LIST, LIST], LIST, (left, right) => {
    bounded(left.size + right.size, MAX_LIST);
    return celList([...left, ...right]);
  }),
  // The library reads numbers as JavaScript does: "" is 0, "0x10" is 16, "abc" is NaN.
  celFunc("int", [STRING], INT, (text) => wholeNumber(text, -(2n ** 63n), 2n ** 63n - 1n)),
  celFunc("double", [STRING], DOUBLE, decimal),
];

function wholeNumber(text: string, min: bigint, max: bigint): bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw new RangeError("not a whole number");
  const value = BigInt(text.replace("+", ""));
  if (value < min || value > max) throw new RangeError("out of range");
  return value;
}

function decimal(text: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  const [, sign = "", word = ""] = /^([+-]?)(nan|inf|infinity)$/i.exec(text) ?? [];
  if (word === "") throw new RangeError("not a number");
  return word.toLowerCase() === "nan" ? NaN : sign === "-" ? -Infinity : Infinity;
}

/** Standard CEL with what is above. Made once: it holds no state. */
export const ENVIRONMENT: CelEnv = celEnv({
  variables: VARIABLES,
  funcs: FUNCTIONS,
  re2: {
    compile: (source) => {
      const expression = running?.prepared.expressions.get(source);
      if (expression === undefined) throw new RangeError("an expression is not a literal");
      return {
        test: (text) => {
          bounded(text.length, MAX_SUBJECT);
          return expression.test(text);
        },
      };
    },
  },
});

/** Operators that the planner itself carries out. */
const OPERATORS: ReadonlyMap<string, number> = new Map([
  ["_&&_", 2],
  ["_||_", 2],
  ["_?_:_", 3],
  ["_[_]", 2],
  ["@not_strictly_false", 1],
]);

/** Whether there is a function of this name and number of arguments. Types are known at evaluation only. */
export function isCallable(name: string, isMethod: boolean, args: number): boolean {
  if (!isMethod && OPERATORS.get(name) === args) return true;
  for (const known of ENVIRONMENT.funcs.find(name) ?? []) {
    if ((known.target !== undefined) === isMethod && known.arguments.length === args) return true;
  }
  return false;
}

/** The names of the types that a function can give; the operators that the planner carries out can give any. */
export function resultsOf(name: string): ReadonlySet<string> {
  if (OPERATORS.has(name)) return ANY_RESULT;
  const results = new Set([...ENVIRONMENT.funcs.find(name) ?? []].map(({ result }) => result.name));
  return results.has("dyn") ? ANY_RESULT : results;
}

const ANY_RESULT: ReadonlySet<string> = new Set(["bool", "dyn"]);
