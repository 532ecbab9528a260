import { Denial } from "../../../policy/server/denial.ts";
import type { RevocationEntry, RevocationStore } from "./revocations.ts";

/** Some 20 MB; a server that revokes more in a day has another key to change. */
export const MAX_ENTRIES = 100_000;
/** Looking at all of them takes some milliseconds. */
const SWEEP_PAUSE_MS = 60_000;
/** When it is full, so that one who goes on revoking does not make it look at all of them each time. */
const FULL_SWEEP_PAUSE_MS = 1_000;

/** Revocations in this process alone: gone with it, and not seen by another replica. */
export class MemoryStore implements RevocationStore {
  readonly #entries = new Map<string, RevocationEntry>();
  readonly #now: () => number;
  readonly #maxEntries: number;
  #lastSweep = -Infinity;

  constructor(now: () => number, maxEntries = MAX_ENTRIES) {
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  /** Entries that are held, expired ones included that were not swept yet. */
  get size(): number {
    return this.#entries.size;
  }

  read(key: string): Promise<number | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.keepUntil > this.#now()) return Promise.resolve(entry?.upTo);
    this.#entries.delete(key);
    return Promise.resolve(undefined);
  }

  /** @throws {Denial} `OVERLOADED` when it is full: an entry that is dropped for another would bring tokens back to life. */
  write(key: string, entry: RevocationEntry): Promise<void> {
    this.#sweep();
    const before = this.#entries.get(key);
    if (before === undefined && this.#entries.size >= this.#maxEntries) {
      return Promise.reject(new Denial("OVERLOADED", { detail: "no more revocations can be kept" }));
    }
    this.#entries.set(key, {
      upTo: Math.max(entry.upTo, before?.upTo ?? 0),
      keepUntil: Math.max(entry.keepUntil, before?.keepUntil ?? 0),
    });
    return Promise.resolve();
  }

  #sweep(): void {
    const now = this.#now();
    const pause = this.#entries.size >= this.#maxEntries ? FULL_SWEEP_PAUSE_MS : SWEEP_PAUSE_MS;
    if (now - this.#lastSweep < pause) return;
    this.#lastSweep = now;
    for (const [key, { keepUntil }] of this.#entries) if (keepUntil <= now) this.#entries.delete(key);
  }
}
