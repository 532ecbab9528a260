import { type CelInput, isCelError } from "@bufbuild/cel";
import { AppError } from "../error.ts";
import type { RuleFault } from "./check_rule.ts";
import { compileCel, type CompiledCel } from "./compile_cel.ts";
import { type Guard, guardOf } from "./rule_guard.ts";
import { IDENTITY_VARIABLES, VARIABLES } from "./rule_environment.ts";
import type { Expr } from "./rule_syntax.ts";

/**
 * What a rule says. An error, and a result that is no boolean, are not `false`: whoever decides by a rule must deny on
 * them (TM-32).
 */
export type RuleOutcome = true | false | "error" | "not-boolean";

/** Values of the variables, as `bindingsOf()` or `identityBindings()` make them: no prototype, no other key. */
export type RuleBindings = Readonly<Record<string, CelInput>>;

/** A rule of the operator, compiled: CEL that decides over one request. Holds no state between evaluations. */
export class Rule {
  readonly source: string;
  readonly #compiled: CompiledCel;
  readonly #isSurelyFalse: Guard | undefined;

  constructor(source: string, compiled: CompiledCel) {
    this.source = source;
    this.#compiled = compiled;
    this.#isSurelyFalse = guardOf(compiled.expr);
  }

  /**
   * Reads, checks and plans a rule, once.
   *
   * @param source CEL, at most 4,096 characters.
   * @param options `over: "identity"` for a rule that is asked about a caller alone: no `ref`, `context`, `request`.
   * @throws {AppError} `BUNDLE_RULE_INVALID`, with line and column within the rule; the message never holds `source`.
   * @see https://github.com/google/cel-spec/blob/v0.25.1/doc/langdef.md
   */
  static compile(source: string, options: { over?: "request" | "identity" } = {}): Rule {
    const variables = Object.keys(options.over === "identity" ? IDENTITY_VARIABLES : VARIABLES);
    const compiled = compileCel(source, new Set(variables));
    if ("fault" in compiled) throw invalid(source, compiled, variables);
    return new Rule(source, compiled);
  }

  /** The syntax as it was written, macros expanded. */
  get expr(): Expr {
    return this.#compiled.expr;
  }

  /**
   * Variables that it may read: their names, and for `request` one of `request.host`, `request.method`,
   * `request.path`, or `request` where the whole is read.
   */
  get reads(): ReadonlySet<string> {
    return this.#compiled.reads;
  }

  /** Never throws, and ends in bounded time. */
  evaluate(bindings: RuleBindings): RuleOutcome {
    if (this.#isSurelyFalse?.(bindings) === true) return false;
    try {
      const value = this.#compiled.evaluate(bindings);
      return typeof value === "boolean" ? value : isCelError(value) ? "error" : "not-boolean";
    } catch {
      return "error";
    }
  }

  /** What it says whatever is asked; undefined where that depends on a variable. */
  get constant(): RuleOutcome | undefined {
    return this.reads.size === 0 ? this.evaluate(NOTHING) : undefined;
  }
}

const NOTHING: RuleBindings = Object.freeze({ __proto__: null });

function invalid(source: string, { fault, at, hint }: RuleFault, variables: readonly string[]): AppError {
  const place = at === undefined ? "" : ` at line ${lineOf(source, at)}, column ${columnOf(source, at)}`;
  return new AppError("BUNDLE_RULE_INVALID", `Cannot compile rule: ${fault}${place}`, {
    hints: [hint ?? `Write CEL over ${variables.join(", ")}`],
  });
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}

function columnOf(source: string, at: number): number {
  return at - source.lastIndexOf("\n", at - 1);
}
