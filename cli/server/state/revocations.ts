import { createHash } from "node:crypto";
import type { StateAnswer, StateRequest } from "../../../proxy/edge/protocol.ts";

/** Where revocations are kept. An entry that is kept longer or reaches further is never replaced by a lesser one. */
export interface RevocationStore {
  /** @returns Up to which moment tokens under this key are revoked, in milliseconds since the epoch; undefined: none is. */
  read(key: string): Promise<number | undefined>;
  /** Returns once every later `read()` of this store sees it. */
  write(key: string, entry: RevocationEntry): Promise<void>;
}

export interface RevocationEntry {
  /** Tokens made up to then are revoked. */
  readonly upTo: number;
  /** No token that this concerns lives beyond. */
  readonly keepUntil: number;
}

/** For a token's own id it does not matter when it was made. */
const ANY_TIME = Number.MAX_SAFE_INTEGER;

/** The revocations of a server, asked and changed by the requests of its workers. */
export class Revocations {
  readonly #store: RevocationStore;
  readonly #now: () => number;
  readonly #skewMs: number;

  /**
   * @param skewMs How far the clocks of replicas may be apart: by so much later tokens of a subject are revoked as well,
   * rather than one that a replica with a fast clock made before.
   */
  constructor(store: RevocationStore, { now, skewMs }: { now: () => number; skewMs: number }) {
    this.#store = store;
    this.#now = now;
    this.#skewMs = skewMs;
  }

  /** @throws {Denial} `STATE_UNAVAILABLE` or `OVERLOADED`. */
  async answer(request: StateRequest): Promise<StateAnswer> {
    switch (request.kind) {
      case "is-revoked": {
        const limits = await Promise.all([
          this.#store.read(idKey(request.id)),
          this.#store.read(subjectKey(request.issuer, request.subject)),
        ]);
        // Written so that a time that is no number is revoked.
        return { revoked: limits.some((upTo) => upTo !== undefined && !(request.issuedAt > upTo)) };
      }
      case "revoke-id":
        await this.#revoke(idKey(request.id), { upTo: ANY_TIME, keepUntil: request.expiresAt });
        return { revoked: true };
      case "revoke-subject": {
        const upTo = this.#now() + this.#skewMs;
        await this.#revoke(subjectKey(request.issuer, request.subject), { upTo, keepUntil: request.keepUntil });
        return { revoked: true };
      }
    }
  }

  async #revoke(key: string, entry: RevocationEntry): Promise<void> {
    if (!Number.isSafeInteger(entry.keepUntil)) throw new RangeError("Cannot revoke: the time is not a whole number");
    // What it concerns has expired by itself.
    if (entry.keepUntil > this.#now()) await this.#store.write(key, entry);
  }
}

/** Hashed: the length is bounded, and no subject stands in a store in clear. */
function idKey(id: string): string {
  return `id:${digest(id)}`;
}

function subjectKey(issuer: string, subject: string): string {
  return `subject:${digest(JSON.stringify([issuer, subject]))}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
