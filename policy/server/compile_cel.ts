import { plan } from "@bufbuild/cel";
import { checkRule, literalsOf, type RuleFault } from "./check_rule.ts";
import { rewriteRule } from "./rewrite_rule.ts";
import type { RuleBindings } from "./rule.ts";
import { ENVIRONMENT, withBudget } from "./rule_environment.ts";
import type { Expr } from "./rule_syntax.ts";

/** An expression that was parsed, checked and planned. */
export interface CompiledCel {
  /** The syntax as it was written, macros expanded. */
  readonly expr: Expr;
  readonly reads: ReadonlySet<string>;
  /** A value of CEL, or an error of it. May throw; whoever calls it takes that for an error. */
  evaluate(bindings: RuleBindings): unknown;
}

/** Compiles a part of an expression that was compiled. May throw what the planner throws. */
export function compileExpr(expr: Expr): Pick<CompiledCel, "evaluate"> {
  const prepared = literalsOf(expr);
  const run = plan(ENVIRONMENT, rewriteRule(expr));
  return { evaluate: (bindings) => withBudget(prepared, () => run(bindings)) };
}

/** Compiles an expression over some variables, as every rule is compiled. Never throws. */
export function compileCel(source: string, variables: ReadonlySet<string>): CompiledCel | RuleFault {
  try {
    const checked = checkRule(source, variables);
    if ("fault" in checked) return checked;
    const { expr, reads, prepared } = checked;
    const run = plan(ENVIRONMENT, rewriteRule(expr));
    return { expr, reads, evaluate: (bindings) => withBudget(prepared, () => run(bindings)) };
  } catch {
    // The planner's word for a construct that it does not know, or the end of the stack.
    return { fault: "it is nested too deeply, or has a part that rules do not have", at: undefined, hint: undefined };
  }
}
