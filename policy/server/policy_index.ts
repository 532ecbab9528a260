import type { Rule, RuleBindings } from "./rule.ts";
import { needsOf, type RuleNeed } from "./rule_needs.ts";

/** What a text must be for some rules to be anything but false, with the numbers of these rules. */
interface Lookup {
  readonly of: RuleNeed["of"];
  readonly equals: Map<string, number[]>;
  readonly prefixes: Map<string, number[]>;
  /** Of the prefixes. */
  readonly lengths: Set<number>;
  /** All of them, for where the text is none. */
  readonly all: number[];
}

/**
 * Finds the rules of a long list that a decision has to evaluate: the others are certainly false.
 *
 * Each rule is filed under the one of its needs that the fewest others share. Ten thousand rules, each for one team, are
 * then one to evaluate, and not ten thousand.
 */
export class PolicyIndex {
  /** Rules of which nothing is known. */
  readonly #always: number[] = [];
  readonly #lookups = new Map<string, Lookup>();

  constructor(rules: readonly Rule[]) {
    const needs = rules.map(({ expr }) => needsOf(expr));
    const counts = new Map<string, number>();
    for (const key of needs.flat().map(keyOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
    const rarity = (need: RuleNeed) => counts.get(keyOf(need)) ?? 0;
    for (const [number, list] of needs.entries()) {
      const [first, ...others] = list;
      if (first === undefined) this.#always.push(number);
      else this.#file(number, others.reduce((best, other) => rarity(other) < rarity(best) ? other : best, first));
    }
  }

  #file(number: number, { kind, of, text }: RuleNeed): void {
    const key = JSON.stringify(of);
    const lookup: Lookup = this.#lookups.get(key) ??
      { of, equals: new Map(), prefixes: new Map(), lengths: new Set(), all: [] };
    this.#lookups.set(key, lookup);
    const numbers = kind === "equals" ? lookup.equals : lookup.prefixes;
    const list = numbers.get(text);
    if (list === undefined) numbers.set(text, [number]);
    else list.push(number);
    if (kind === "prefix") lookup.lengths.add(text.length);
    lookup.all.push(number);
  }

  /**
   * @param claims Of the caller, as the rules see them.
   * @returns The numbers of the rules to evaluate, in their order.
   */
  candidates(bindings: RuleBindings, claims: Readonly<Record<string, unknown>>): readonly number[] {
    const found = [this.#always];
    for (const { of, equals, prefixes, lengths, all } of this.#lookups.values()) {
      const value = "variable" in of
        ? bindings[of.variable]
        : Object.hasOwn(claims, of.claim)
        ? claims[of.claim]
        : undefined;
      if (typeof value !== "string") found.push(all);
      else {
        found.push(equals.get(value) ?? []);
        for (const length of lengths) {
          if (length <= value.length) found.push(prefixes.get(value.slice(0, length)) ?? []);
        }
      }
    }
    const numbers = found.filter((list) => list.length > 0);
    return numbers.length <= 1 ? numbers[0] ?? [] : numbers.flat().sort((a, b) => a - b);
  }
}

function keyOf(need: RuleNeed): string {
  return JSON.stringify([need.kind, need.of, need.text]);
}
