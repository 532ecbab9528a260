import type { ConnectionRule } from "../../policy/connection_rule.ts";
import { maskedTokenOfSealed, TOKEN_PREFIX } from "../../policy/masked_token.ts";
import type { Placement } from "../../policy/placement.ts";
import { PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import type { CredentialLocation } from "../../policy/server/credential_location.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { type Replacement, ScrubPlan } from "../scrub/scrub_plan.ts";
import { type TokenGrant, TokenTable } from "../token_table.ts";
import type { DialSettings } from "../upstream/dial.ts";
import type { Swap } from "./swap.ts";
import type { ValueCache } from "./value_cache.ts";

/** What a swap needs of the values that the edge holds. */
export type SwapValues = Pick<ValueCache, "get" | "markUnauthorized" | "valuePlan" | "replacements">;

/** What no request may hold outside of the places that are swapped: it begins tokens of all kinds, and passes (TM-05). */
const TOKENS: readonly Replacement[] = [TOKEN_PREFIX, SEALED_PREFIX, PASS_PREFIX].map((text) => ({
  text,
  standIn: text,
}));

/** What is searched for in both directions, made again when the edge holds other values. */
export class SwapPlans {
  readonly #values: SwapValues;
  #of: ScrubPlan | undefined;
  #outgoing: ScrubPlan | undefined;

  constructor(values: SwapValues) {
    this.#values = values;
  }

  /** Tokens, and every value, which nobody was given (TM-17). */
  get outgoing(): ScrubPlan {
    const { valuePlan } = this.#values;
    if (this.#of !== valuePlan || this.#outgoing === undefined) {
      this.#of = valuePlan;
      this.#outgoing = new ScrubPlan([...TOKENS, ...this.#values.replacements]);
    }
    return this.#outgoing;
  }

  /** Every value that the edge holds. */
  get values(): ScrubPlan {
    return this.#values.valuePlan;
  }
}

/** How a request that was decided is carried. */
export interface SwapPolicyOptions {
  readonly plans: SwapPlans;
  readonly values: SwapValues;
  readonly dial: DialSettings;
  readonly rule: ConnectionRule;
  announce(): Promise<void>;
}

/** The policy of one request: its tokens, each with its value and its one place, and one rule. */
export function swapPolicy(swap: Swap, { plans, values, dial, rule, announce }: SwapPolicyOptions): ProxyPolicy {
  const grants = swap.tokens.flatMap(({ text, name, secret, resource }): TokenGrant[] =>
    secret === undefined || resource === undefined ? [] : [{
      name,
      token: maskedTokenOfSealed(text),
      real: secret,
      hosts: resource.hosts,
      in: [placementOf(resource.location)],
    }]
  );
  const standIns = new Map(
    grants.map(({ token, real }) => [real.reveal((bytes) => new TextDecoder().decode(bytes)), token]),
  );
  let last: { readonly of: ScrubPlan; readonly plan: ScrubPlan } | undefined;
  return {
    rules: [rule],
    matcher: () => false,
    tokens: new TokenTable(grants),
    anyInBody: false,
    awsKeys: new Map(),
    get outgoingPlan() {
      return plans.outgoing;
    },
    // A value that comes back becomes the token that the caller sent for it, so that what is made of it works again.
    get valuePlan() {
      const of = plans.values;
      if (grants.length === 0) return of;
      if (last?.of !== of) last = { of, plan: of.withStandIns(standIns) };
      return last.plan;
    },
    dial,
    onUnauthorized(names) {
      for (const { name, wanted } of swap.tokens) {
        if (wanted !== undefined && names.has(name)) values.markUnauthorized(wanted);
      }
    },
    announce,
  };
}

function placementOf(location: CredentialLocation): Placement {
  switch (location.kind) {
    case "header":
      return { kind: "header", name: location.name.toLowerCase() };
    case "basic":
      return { kind: "header", name: "authorization" };
    case "query":
      return { kind: "query", name: location.name };
  }
}
