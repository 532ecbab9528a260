import { parse } from "@bufbuild/cel";
import { parseRefPattern, type RefPattern } from "./resource_ref.ts";
import { compileExpression, type Expression, isCallable, type Prepared, REQUEST_FIELDS } from "./rule_environment.ts";
import { asCall, asConstant, asIdent, asText, type Expr, nodes, type Scoped } from "./rule_syntax.ts";

/** Longest rule: a hundred comparisons, and parsed in milliseconds. */
const MAX_LENGTH = 4_096;
/** Deepest tree: far above what people write, far below what the stack of a worker holds. */
const MAX_DEPTH = 100;
/** Longest regular expression: matching takes the product of its size and the text's. */
const MAX_EXPRESSION = 512;

/** Names of types that a rule may compare `type(x)` with. */
const TYPES: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
]);
const MESSAGE_TYPES: ReadonlySet<string> = new Set(["google.protobuf.Timestamp", "google.protobuf.Duration"]);

/** Variables that are texts: a field of one is an error whatever it holds. */
const TEXTS: ReadonlySet<string> = new Set(["issuer", "org", "service", "env", "action", "branch", "actor", "ref"]);

/** Why a rule cannot be compiled. Holds nothing of its text: a rule may hold a pasted secret. */
export interface RuleFault {
  readonly fault: string;
  /** Where in the text, in UTF-16 units from its start. */
  readonly at: number | undefined;
  readonly hint: string | undefined;
}

export interface CheckedRule {
  readonly expr: Expr;
  readonly reads: ReadonlySet<string>;
  readonly prepared: Prepared;
}

/**
 * Parses a rule and looks at every name in it, since the library leaves names to the evaluation.
 *
 * @throws what the parser throws where the stack ends.
 */
export function checkRule(source: string, variables: ReadonlySet<string>): CheckedRule | RuleFault {
  if (source.length > MAX_LENGTH) {
    return faultAt("it is longer than 4096 characters", undefined, "Split it into several policies");
  }
  let parsed;
  try {
    parsed = parse(source);
  } catch (error) {
    if (error instanceof RangeError) {
      return faultAt("it is nested too deeply", undefined, "Split it into several policies");
    }
    return faultAt("it is not CEL", syntaxErrorAt(source, error));
  }
  const { expr, sourceInfo } = parsed;
  if (expr === undefined) return faultAt("it is empty", undefined);
  const place = (found: Expr) => sourceInfo?.positions[found.id.toString()];
  const checker = new Checker(variables);
  for (const node of nodes(expr)) {
    if (node.depth > MAX_DEPTH) {
      return faultAt("it is nested too deeply", place(node.expr), "Split it into several policies");
    }
    const found = checker.look(node);
    if (found !== undefined) return faultAt(found.fault, place(node.expr), found.hint);
  }
  const { reads, expressions, patterns } = checker;
  return { expr, reads, prepared: { expressions, patterns } };
}

/** The literals of a part of a rule that was checked. */
export function literalsOf(expr: Expr): Prepared {
  const checker = new Checker(new Set());
  for (const node of nodes(expr)) checker.look(node);
  return { expressions: checker.expressions, patterns: checker.patterns };
}

function faultAt(fault: string, at: number | undefined, hint?: string): RuleFault {
  return { fault, at, hint };
}

/** The parser's message quotes the text; only its line and column are taken. */
function syntaxErrorAt(source: string, error: unknown): number | undefined {
  const [, line, column] = /<input>:(\d+):(\d+)/.exec(error instanceof Error ? error.message : "") ?? [];
  if (line === undefined || column === undefined) return undefined;
  const before = source.split("\n").slice(0, Number(line) - 1);
  return before.reduce((sum, text) => sum + text.length + 1, 0) + Number(column) - 1;
}

type Found = { readonly fault: string; readonly hint?: string } | undefined;

class Checker {
  readonly reads = new Set<string>();
  readonly expressions = new Map<string, Expression>();
  readonly patterns = new Map<string, RefPattern>();
  readonly #variables: ReadonlySet<string>;
  /** Names that were looked at as part of a longer one: `request` of `request.host`. */
  readonly #consumed = new Set<Expr>();

  constructor(variables: ReadonlySet<string>) {
    this.#variables = variables;
  }

  look({ expr, bound }: Scoped): Found {
    switch (expr.exprKind.case) {
      case "identExpr":
        return this.#ident(expr, bound);
      case "constExpr":
        return this.#constant(expr);
      case "callExpr":
        return this.#call(expr, bound);
      case "selectExpr":
        return this.#select(expr, bound);
      case "structExpr":
        if (expr.exprKind.value.messageName === "") return undefined;
        return { fault: "it makes a message, which rules do not have" };
      case "comprehensionExpr": {
        const { iterVar } = expr.exprKind.value;
        if (!this.#variables.has(iterVar) && !TYPES.has(iterVar)) return undefined;
        return {
          fault: "a variable of a comprehension has the name of another variable",
          hint: 'Give it a name of its own, for example "x"',
        };
      }
      case "listExpr":
        return undefined;
      default:
        return { fault: "it has a part that rules do not have" };
    }
  }

  #ident(expr: Expr, bound: ReadonlySet<string>): Found {
    const name = asIdent(expr) ?? "";
    if (bound.has(name) || TYPES.has(name) || this.#consumed.has(expr)) return undefined;
    if (!this.#variables.has(name)) return { fault: "a name is not one of a variable" };
    this.reads.add(name);
    return undefined;
  }

  #constant(expr: Expr): Found {
    const constant = asConstant(expr);
    const fits = constant?.case === "int64Value"
      ? BigInt.asIntN(64, constant.value) === constant.value
      : constant?.case !== "uint64Value" || BigInt.asUintN(64, constant.value) === constant.value;
    return fits ? undefined : { fault: "a number does not fit into 64 bits" };
  }

  #select(expr: Expr, bound: ReadonlySet<string>): Found {
    if (expr.exprKind.case !== "selectExpr") return undefined;
    const { operand, field } = expr.exprKind.value;
    if (MESSAGE_TYPES.has(qualifiedName(expr) ?? "")) {
      for (const { expr: part } of nodes(expr)) this.#consumed.add(part);
      return undefined;
    }
    const name = asIdent(operand);
    if (operand === undefined || name === undefined || bound.has(name) || this.#consumed.has(expr)) return undefined;
    if (TEXTS.has(name)) {
      return { fault: "a field of a text is asked for", hint: "Only claims, context and request have fields" };
    }
    return name === "request" ? this.#requestField(operand, field) : undefined;
  }

  #requestField(request: Expr, field: string): Found {
    if (!this.#variables.has("request")) return undefined;
    if (!REQUEST_FIELDS.has(field)) {
      return { fault: "a field of request is not one that it has", hint: "request has host, method and path" };
    }
    this.#consumed.add(request);
    this.reads.add(`request.${field}`);
    return undefined;
  }

  #call(expr: Expr, bound: ReadonlySet<string>): Found {
    const call = asCall(expr);
    if (call === undefined) return undefined;
    const { function: name, target, args } = call;
    if (!isCallable(name, target !== undefined, args.length)) {
      return {
        fault: "a function is not one that rules have, or has another number of arguments",
        hint: "Use the functions of CEL, and glob(pattern, ref)",
      };
    }
    const [first, second] = args;
    if (name === "_[_]" && first !== undefined && asIdent(first) === "request" && !bound.has("request")) {
      const field = asText(second);
      return field === undefined ? undefined : this.#requestField(first, field);
    }
    if (name === "glob") return this.#glob(first);
    if (name === "matches") return this.#matches(first);
    return undefined;
  }

  #glob(pattern: Expr | undefined): Found {
    const text = asText(pattern);
    if (text === undefined) return undefined;
    try {
      this.patterns.set(text, parseRefPattern(text));
      return undefined;
    } catch {
      return { fault: "a pattern of glob() is not valid", hint: 'Write for example glob("github/**", ref)' };
    }
  }

  /** Only literals: an expression of a claim or of the context could be made to take long. */
  #matches(source: Expr | undefined): Found {
    const text = asText(source);
    if (text === undefined || text.length > MAX_EXPRESSION) {
      return {
        fault: "a regular expression is not a literal of at most 512 characters",
        hint: "Write the expression itself into matches()",
      };
    }
    try {
      this.expressions.set(text, compileExpression(text));
      return undefined;
    } catch {
      return {
        fault: "a regular expression is not valid",
        hint: "Write an expression of RE2, without look-around and back-references",
      };
    }
  }
}

/** `a.b.c`, where a node is only names. */
function qualifiedName(expr: Expr | undefined): string | undefined {
  if (expr?.exprKind.case !== "selectExpr" || expr.exprKind.value.testOnly) return asIdent(expr);
  const before = qualifiedName(expr.exprKind.value.operand);
  return before === undefined ? undefined : `${before}.${expr.exprKind.value.field}`;
}
