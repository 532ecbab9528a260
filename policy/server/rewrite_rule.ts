import { HAS, PLAIN, STEP } from "./rule_environment.ts";
import { asCall, asText, callOf, type Expr, replaced, textOf, withParts } from "./rule_syntax.ts";

/**
 * The form of a rule that is evaluated: the same, but that
 * - each turn of a comprehension is counted,
 * - `has()` refuses what is no map, and knows a key whose value is null,
 * - what is spliced into a pattern of `glob()` must not hold a `*`.
 */
export function rewriteRule(expr: Expr): Expr {
  const changed = withParts(expr, rewriteRule);
  const kind = changed.exprKind;
  if (kind.case === "comprehensionExpr" && kind.value.loopCondition !== undefined) {
    const loopCondition = callOf(changed, STEP, [kind.value.loopCondition]);
    return replaced(changed, { case: kind.case, value: { ...kind.value, loopCondition } });
  }
  if (kind.case === "selectExpr" && kind.value.testOnly && kind.value.operand !== undefined) {
    return callOf(changed, HAS, [kind.value.operand, textOf(changed, kind.value.field)]);
  }
  const [pattern, ref] = asCall(changed, "glob")?.args ?? [];
  if (pattern !== undefined && ref !== undefined && asCall(pattern, "_+_") !== undefined) {
    return callOf(changed, "glob", [spliced(pattern), ref]);
  }
  return changed;
}

/** A sum of pieces: literals are the operator's own, any other piece is looked at. */
function spliced(piece: Expr): Expr {
  const [left, right] = asCall(piece, "_+_")?.args ?? [];
  if (left !== undefined && right !== undefined) return callOf(piece, "_+_", [spliced(left), spliced(right)]);
  return asText(piece) === undefined ? callOf(piece, PLAIN, [piece]) : piece;
}
