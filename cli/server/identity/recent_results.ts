/** Enough for the callers of one server. */
const MAX_ENTRIES = 10_000;
/** Claims take some times the memory of their text. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** What was found out lately, the least recently used out first. Both numbers bound its memory. */
export class RecentResults<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly characters: number }>();
  readonly #limits: { readonly entries: number; readonly characters: number };
  #characters = 0;

  constructor(limits = { entries: MAX_ENTRIES, characters: MAX_CHARACTERS }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** @param characters Of the text that the value was made from. */
  set(key: string, value: T, characters: number): void {
    this.delete(key);
    this.#entries.set(key, { value, characters });
    this.#characters += characters;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries && this.#characters <= this.#limits.characters) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#characters -= this.#entries.get(key)?.characters ?? 0;
    this.#entries.delete(key);
  }
}
