import { canaryForms, findLeak } from "../../tests/support/project.ts";

/** One thing that has to be so. */
export interface Claim {
  readonly text: string;
  readonly holds: boolean;
}

/** Collects what was seen and what has to be so. */
export class Findings {
  readonly #claims: Claim[] = [];
  readonly #seen: { readonly where: string; readonly text: string }[] = [];

  claim(text: string, holds: boolean): void {
    this.#claims.push({ text, holds });
  }

  /** Adds something that the agent, or a program it may read from, could see. */
  saw(where: string, text: string): void {
    this.#seen.push({ where, text });
  }

  /** How many characters the agent saw. */
  get seenLength(): number {
    return this.#seen.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** Claims that no real value, in any form, is in anything seen. */
  search(secrets: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(secrets)) {
      for (const { where, text } of this.#seen) {
        const form = findLeak(value, text);
        this.claim(`${name} is not in ${where}${form === undefined ? "" : ` (found: ${form})`}`, form === undefined);
      }
    }
  }

  get claimCount(): number {
    return this.#claims.length;
  }

  get failed(): readonly Claim[] {
    return this.#claims.filter((claim) => !claim.holds);
  }
}

/** In how many forms each value is searched for. */
export function formCount(): number {
  return canaryForms("any value").length;
}
