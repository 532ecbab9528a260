import type { Policy } from "./bundle.ts";
import { PolicyIndex } from "./policy_index.ts";
import { Rule, type RuleBindings } from "./rule.ts";
import { bindingsOf, type PolicyInput } from "./rule_bindings.ts";

export type { PolicyInput } from "./rule_bindings.ts";

/** The policy that decides where no other did: it denies. */
export const DEFAULT_POLICY = "default-deny";

export interface PolicyDecision {
  readonly effect: "allow" | "deny";
  /** The name of the policy that decided, or `default-deny`. */
  readonly policy: string;
  /**
   * Why it denied though nothing said so: its rule failed, or gave no boolean. With `default-deny`: what was asked could
   * not be put before the rules.
   */
  readonly fault?: "error" | "not-boolean";
}

/** The policies of a bundle, compiled. An empty one denies everything. */
export class PolicySet {
  readonly #policies: readonly { readonly name: string; readonly effect: "allow" | "deny"; readonly rule: Rule }[];
  readonly #index: PolicyIndex;

  /** @throws {AppError} `BUNDLE_RULE_INVALID` */
  constructor(policies: readonly Policy[]) {
    this.#policies = policies.map(({ name, effect, rule }) => ({ name, effect, rule: Rule.compile(rule) }));
    this.#index = new PolicyIndex(this.#policies.map(({ rule }) => rule));
  }

  /**
   * The first policy whose rule is true decides. A rule that fails or gives no boolean denies at once, whatever its
   * effect is and whatever comes after it: nobody knows what it would have said (TM-32). Never throws.
   */
  decide(input: PolicyInput): PolicyDecision {
    let bindings: RuleBindings;
    try {
      bindings = bindingsOf(input);
    } catch {
      return { effect: "deny", policy: DEFAULT_POLICY, fault: "error" };
    }
    for (const number of this.#index.candidates(bindings, input.identity.claims)) {
      const { name, effect, rule } = this.#policies[number]!;
      const outcome = rule.evaluate(bindings);
      if (outcome === true) return { effect, policy: name };
      if (outcome !== false) return { effect: "deny", policy: name, fault: outcome };
    }
    return { effect: "deny", policy: DEFAULT_POLICY };
  }
}
