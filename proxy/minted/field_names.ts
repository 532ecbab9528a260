import { EXPIRING_FIELD, EXPIRY_FIELDS, MINTED_FIELDS } from "../../policy/minted_field.ts";
import { MIN_PATTERN_BYTES, PatternSet } from "../scrub/pattern_set.ts";

/** A field's name, as it is found in a body. */
export type NamePattern =
  | { readonly kind: "field"; readonly field: string; readonly ifExpiring: boolean }
  /** The name of a time of expiry. */
  | { readonly kind: "expiry" };

/** Names as they are written in one syntax, ready to be searched for. */
export interface NameSet {
  readonly set: PatternSet;
  /** What each pattern is, by its number. */
  readonly patterns: readonly NamePattern[];
}

/** The fields of answers that are looked at. */
export class FieldNames {
  readonly #fields: ReadonlySet<string>;
  readonly #expiring: boolean;
  #json: NameSet | undefined;
  #xml: NameSet | undefined;

  private constructor(fields: readonly string[], expiring: boolean) {
    this.#fields = new Set(fields);
    this.#expiring = expiring;
  }

  /** Whether they are looked for by this name alone. */
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  get json(): NameSet {
    return this.#json ??= this.#jsonNames();
  }

  get xml(): NameSet {
    return this.#xml ??= this.#xmlNames();
  }

  #jsonNames(): NameSet {
    const found = new Map<string, NamePattern>();
    if (this.#expiring) {
      for (const text of quoted(EXPIRING_FIELD)) {
        found.set(text, { kind: "field", field: EXPIRING_FIELD, ifExpiring: true });
      }
      for (const name of EXPIRY_FIELDS) found.set(`"${name}"`, { kind: "expiry" });
    }
    for (const field of this.#fields) {
      for (const text of quoted(field)) found.set(text, { kind: "field", field, ifExpiring: false });
    }
    return nameSet(found);
  }

  /** With a prefix of a namespace or without. */
  #xmlNames(): NameSet {
    const names = Array.from(this.#fields).flatMap((field) => [["<", field], [":", field]] as const);
    return nameSet(
      new Map(
        names.filter(([before, field]) => before.length + field.length >= MIN_PATTERN_BYTES)
          .map(([before, field]) => [before + field, { kind: "field", field, ifExpiring: false }]),
      ),
    );
  }

  /** Those of a secret that says nothing about them. */
  static readonly default = new FieldNames(MINTED_FIELDS, true);

  /**
   * Those of some secrets together.
   *
   * @param lists Each secret's own; undefined for the default ones.
   * @returns Undefined if there are none.
   */
  static of(lists: readonly (readonly string[] | undefined)[]): FieldNames | undefined {
    const some = lists.includes(undefined);
    const own = lists.flatMap((list) => list ?? []);
    if (own.length === 0) return some ? FieldNames.default : undefined;
    return new FieldNames(some ? [...MINTED_FIELDS, ...own] : own, some);
  }
}

function nameSet(found: ReadonlyMap<string, NamePattern>): NameSet {
  const texts = Array.from(found.keys(), (text) => new TextEncoder().encode(text));
  return { set: new PatternSet(texts), patterns: [...found.values()] };
}

/** In JSON. A short name is found by what stands behind it as well. */
function quoted(name: string): string[] {
  const text = `"${name}"`;
  return text.length >= MIN_PATTERN_BYTES ? [text] : [`${text}:`, `${text} `];
}
