import { compileExpr } from "./compile_cel.ts";
import { matchesRef, parseRefPattern, parseResourceRef } from "./resource_ref.ts";
import { type Variable, VARIABLES } from "./rule_environment.ts";
import { asCall, asIdent, asText, type Expr, nodes } from "./rule_syntax.ts";

// What can be said of a rule without its variables: a rule is taken for a formula of `&&`, `||`, `!` and `?:` over atoms.

/** A set of outcomes, as bits. An atom that nothing is known of is true or false: its own errors are left out. */
export type Outcomes = number;
export const TRUE = 1;
export const FALSE = 2;
/** An error, or no boolean. */
export const FAILS = 4;
const ANY = TRUE | FALSE;

/** What is taken to be known of an atom. Undefined: nothing. */
export type Assume = (atom: Expr) => Outcomes | undefined;

/** The outcomes that a rule can have, at most. */
export function outcomesOf(expr: Expr, assume: Assume = () => undefined): Outcomes {
  const part = formulaOf(expr);
  switch (part?.kind) {
    case "not":
      return negated(outcomesOf(part.of, assume));
    case "if": {
      const condition = outcomesOf(part.condition, assume);
      return (condition & FAILS) |
        (condition & TRUE ? outcomesOf(part.then, assume) : 0) |
        (condition & FALSE ? outcomesOf(part.otherwise, assume) : 0);
    }
    case "and": {
      const all = part.of.map((side) => outcomesOf(side, assume)).reduce(conjunction);
      return isContradiction(part.of) ? (all & ~TRUE) | FALSE : all;
    }
    case "or":
      return negated(part.of.map((side) => negated(outcomesOf(side, assume))).reduce(conjunction));
    default:
      return assume(expr) ?? constantOutcome(expr) ?? ANY;
  }
}

/** Whether a rule can only be `want` where one of the atoms of `decides` is as the rule wants it. */
export function requires(
  expr: Expr,
  want: boolean,
  { decides, assume }: { decides: (atom: Expr) => boolean; assume?: Assume },
): boolean {
  const how = { decides, ...(assume === undefined ? {} : { assume }) };
  // What cannot be needs nothing.
  if ((outcomesOf(expr, assume) & (want ? TRUE : FALSE)) === 0) return true;
  const part = formulaOf(expr);
  switch (part?.kind) {
    case "not":
      return requires(part.of, !want, how);
    case "if":
      return (requires(part.condition, true, how) || requires(part.then, want, how)) &&
        (requires(part.condition, false, how) || requires(part.otherwise, want, how));
    case "and":
    case "or": {
      const one = (side: Expr) => requires(side, want, how);
      return (part.kind === "and") === want ? part.of.some(one) : part.of.every(one);
    }
    default:
      return decides(expr);
  }
}

/** The atoms of a rule, in their order. */
export function atomsOf(expr: Expr): readonly Expr[] {
  const part = formulaOf(expr);
  switch (part?.kind) {
    case "not":
      return atomsOf(part.of);
    case "if":
      return [part.condition, part.then, part.otherwise].flatMap(atomsOf);
    case "and":
    case "or":
      return part.of.flatMap(atomsOf);
    default:
      return [expr];
  }
}

/** The variables that a part of a rule reads. */
export function variablesOf(expr: Expr): ReadonlySet<Variable> {
  const found = new Set<Variable>();
  for (const { expr: node, bound } of nodes(expr)) {
    const name = asIdent(node);
    if (name !== undefined && !bound.has(name) && isVariable(name)) found.add(name);
  }
  return found;
}

function isVariable(name: string): name is Variable {
  return Object.hasOwn(VARIABLES, name);
}

type Formula =
  | { readonly kind: "and" | "or"; readonly of: readonly Expr[] }
  | { readonly kind: "not"; readonly of: Expr }
  | { readonly kind: "if"; readonly condition: Expr; readonly then: Expr; readonly otherwise: Expr };

function formulaOf(expr: Expr): Formula | undefined {
  const call = asCall(expr);
  const [first, second, third] = call?.args ?? [];
  if (call === undefined || first === undefined) return undefined;
  if (call.function === "!_") return { kind: "not", of: first };
  if (second === undefined) return undefined;
  if (call.function === "_&&_") return { kind: "and", of: flattened(expr, "_&&_") };
  if (call.function === "_||_") return { kind: "or", of: flattened(expr, "_||_") };
  if (call.function !== "_?_:_" || third === undefined) return undefined;
  return { kind: "if", condition: first, then: second, otherwise: third };
}

function flattened(expr: Expr, name: string): readonly Expr[] {
  return asCall(expr, name)?.args.flatMap((side) => flattened(side, name)) ?? [expr];
}

function negated(outcomes: Outcomes): Outcomes {
  return (outcomes & FAILS) | (outcomes & TRUE ? FALSE : 0) | (outcomes & FALSE ? TRUE : 0);
}

/** CEL's `&&`: false where one side is, else an error where one side is. */
function conjunction(a: Outcomes, b: Outcomes): Outcomes {
  return ((a | b) & FALSE) | (a & b & TRUE) | (a & FAILS && b & (TRUE | FAILS) ? FAILS : 0) |
    (b & FAILS && a & (TRUE | FAILS) ? FAILS : 0);
}

/** What an atom without variables is. */
function constantOutcome(expr: Expr): Outcomes | undefined {
  if (variablesOf(expr).size > 0) return undefined;
  try {
    const value = compileExpr(expr).evaluate(Object.freeze({ __proto__: null }));
    return value === true ? TRUE : value === false ? FALSE : FAILS;
  } catch {
    return FAILS;
  }
}

/** What an atom says of a variable that is a text: it is one of these, or has this property. */
export type TextTest =
  | { readonly kind: "one-of"; readonly name: string; readonly texts: readonly string[] }
  | { readonly kind: "prefix" | "glob"; readonly name: string; readonly text: string };

/** Reads `x == "a"`, `x in ["a", "b"]`, `x.startsWith("a")` and `glob("a/*", x)`. */
export function textTestOf(atom: Expr): TextTest | undefined {
  const call = asCall(atom);
  const [first, second] = call?.args ?? [];
  const [left, right] = [textVariable(first), textVariable(second)];
  const [literal, other] = [asText(second), asText(first)];
  switch (call?.function) {
    case "_==_":
      if (left !== undefined && literal !== undefined) return { kind: "one-of", name: left, texts: [literal] };
      return right === undefined || other === undefined ? undefined : { kind: "one-of", name: right, texts: [other] };
    case "@in": {
      if (left === undefined || second?.exprKind.case !== "listExpr") return undefined;
      const texts = second.exprKind.value.elements.map(asText).filter((text) => text !== undefined);
      return texts.length < second.exprKind.value.elements.length ? undefined : { kind: "one-of", name: left, texts };
    }
    case "startsWith": {
      const name = textVariable(call.target);
      return name === undefined || other === undefined ? undefined : { kind: "prefix", name, text: other };
    }
    case "glob":
      return right === undefined || other === undefined ? undefined : { kind: "glob", name: right, text: other };
    default:
      return undefined;
  }
}

function textVariable(expr: Expr | undefined): string | undefined {
  const name = asIdent(expr);
  return name !== undefined && isVariable(name) && VARIABLES[name].name === "string" ? name : undefined;
}

/** Whether the sides of a conjunction ask two things of one text that no text is. */
function isContradiction(sides: readonly Expr[]): boolean {
  const tests = sides.map(textTestOf).filter((test) => test !== undefined);
  return tests.some((test) =>
    test.kind === "one-of" && !test.texts.some((text) => tests.every((other) => allows(other, test.name, text)))
  );
}

function allows(test: TextTest, name: string, text: string): boolean {
  if (test.name !== name) return true;
  if (test.kind === "one-of") return test.texts.includes(text);
  return test.kind === "prefix" ? text.startsWith(test.text) : fitsGlob(test.text, text);
}

function fitsGlob(pattern: string, text: string): boolean {
  try {
    return matchesRef(parseRefPattern(pattern), parseResourceRef(text));
  } catch {
    return false;
  }
}
