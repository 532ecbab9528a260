import { literalPrefixLength, parseRefPattern } from "./resource_ref.ts";
import { asCall, asIdent, asText, type Expr } from "./rule_syntax.ts";

/** Something that must hold, or a rule is certainly `false`: a text that is, or begins with, a literal. */
export interface RuleNeed {
  readonly kind: "equals" | "prefix";
  /** A variable that is always a text, or a claim at the top. */
  readonly of: { readonly variable: string } | { readonly claim: string };
  /** Not empty. */
  readonly text: string;
}

/** Variables that are always bound to a text. */
export const TEXT_VARIABLES: ReadonlySet<string> = new Set([
  "issuer",
  "org",
  "service",
  "env",
  "action",
  "branch",
  "actor",
  "ref",
]);

/**
 * What a rule needs, each alone: CEL's `&&` is false where any side is, whatever errors the other sides have.
 *
 * A need of a claim holds for texts only: where the claim is missing, or is something else, nothing is known.
 */
export function needsOf(expr: Expr): readonly RuleNeed[] {
  const call = asCall(expr);
  if (call === undefined) return [];
  const { function: name, target, args } = call;
  switch (name) {
    case "_&&_":
      return args.flatMap(needsOf);
    case "_==_":
      return [...need("equals", args[0], asText(args[1])), ...need("equals", args[1], asText(args[0]))];
    case "startsWith":
      return need("prefix", target, asText(args[0]));
    case "glob":
      return asIdent(args[1]) === "ref" ? globNeed(args[1], asText(args[0])) : [];
    default:
      return [];
  }
}

function need(kind: RuleNeed["kind"], expr: Expr | undefined, text: string | undefined): readonly RuleNeed[] {
  const of = subjectOf(expr);
  return of === undefined || text === undefined || text === "" ? [] : [{ kind, of, text }];
}

/** `a/**` fits `a` too, so that what it needs is the text before the slash. */
function globNeed(ref: Expr | undefined, text: string | undefined): readonly RuleNeed[] {
  if (text === undefined) return [];
  const pattern = parseRefPattern(text);
  const literal = pattern.slice(0, literalPrefixLength(pattern));
  return literal === pattern ? need("equals", ref, literal) : need("prefix", ref, literal.replace(/\/$/, ""));
}

function subjectOf(expr: Expr | undefined): RuleNeed["of"] | undefined {
  const variable = asIdent(expr);
  if (variable !== undefined) return TEXT_VARIABLES.has(variable) ? { variable } : undefined;
  if (expr?.exprKind.case === "selectExpr") {
    const { operand, field, testOnly } = expr.exprKind.value;
    return !testOnly && asIdent(operand) === "claims" ? { claim: field } : undefined;
  }
  const index = asCall(expr, "_[_]");
  const claim = asText(index?.args[1]);
  return claim !== undefined && asIdent(index?.args[0]) === "claims" ? { claim } : undefined;
}
