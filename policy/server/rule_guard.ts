import type { RuleBindings } from "./rule.ts";
import { literalPrefixLength, parseRefPattern } from "./resource_ref.ts";
import { TEXT_VARIABLES } from "./rule_needs.ts";
import { asCall, asConstant, asIdent, asText, type Expr } from "./rule_syntax.ts";

/** Whether a rule is certainly `false`, found without evaluating it. `false` says nothing. */
export type Guard = (bindings: RuleBindings) => boolean;

/**
 * The quick look at a rule: most rules of a long list compare a variable with a literal, and evaluating each would take a
 * microsecond. It is exact, since CEL's `&&` is false where any side is, and its `||` where every side is, whatever errors
 * the other sides have. Undefined where nothing can be told.
 */
export function guardOf(expr: Expr): Guard | undefined {
  const call = asCall(expr);
  if (call === undefined) return asConstant(expr)?.value === false ? () => true : undefined;
  const { function: name, target, args } = call;
  const guards = name === "_&&_" || name === "_||_" ? args.map(guardOf) : [];
  const known = guards.filter((guard) => guard !== undefined);
  switch (name) {
    case "_&&_":
      return known.length === 0 ? undefined : (bindings) => known.some((guard) => guard(bindings));
    case "_||_":
      return known.length < guards.length ? undefined : (bindings) => known.every((guard) => guard(bindings));
    case "_==_":
      return equalityGuard(args[0], args[1]) ?? equalityGuard(args[1], args[0]);
    case "startsWith":
      return prefixGuard(target, asText(args[0]));
    case "@in":
      return membershipGuard(args[0], args[1]);
    case "glob":
      return globGuard(args[1], asText(args[0]));
    default:
      return undefined;
  }
}

function textVariable(expr: Expr | undefined): string | undefined {
  const name = asIdent(expr);
  return name !== undefined && TEXT_VARIABLES.has(name) ? name : undefined;
}

function equalityGuard(variable: Expr | undefined, literal: Expr | undefined): Guard | undefined {
  const [name, text] = [textVariable(variable), asText(literal)];
  if (name === undefined || text === undefined) return undefined;
  return (bindings) => {
    const value = bindings[name];
    return typeof value === "string" && value !== text;
  };
}

function prefixGuard(variable: Expr | undefined, prefix: string | undefined): Guard | undefined {
  const name = textVariable(variable);
  if (name === undefined || prefix === undefined) return undefined;
  return (bindings) => {
    const value = bindings[name];
    return typeof value === "string" && !value.startsWith(prefix);
  };
}

function membershipGuard(variable: Expr | undefined, list: Expr | undefined): Guard | undefined {
  const name = textVariable(variable);
  if (name === undefined || list?.exprKind.case !== "listExpr") return undefined;
  const texts = list.exprKind.value.elements.map(asText);
  if (texts.includes(undefined)) return undefined;
  const members = new Set(texts);
  return (bindings) => {
    const value = bindings[name];
    return typeof value === "string" && !members.has(value);
  };
}

/** What stands before the first star; of `a/**`, which fits `a` too, without the slash. */
function globGuard(variable: Expr | undefined, text: string | undefined): Guard | undefined {
  if (text === undefined || textVariable(variable) !== "ref") return undefined;
  const pattern = parseRefPattern(text);
  return prefixGuard(variable, pattern.slice(0, literalPrefixLength(pattern)).replace(/\/$/, ""));
}
