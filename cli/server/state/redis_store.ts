import type { RedisLink } from "./redis_link.ts";
import type { RevocationEntry, RevocationStore } from "./revocations.ts";

/** How long another replica may go on taking a token that was revoked here. */
export const CACHE_MS = 1_000;
/** Keys whose answers are held; beyond, the oldest is asked for again. */
const MAX_CACHED = 10_000;
const PREFIX = "kz:revoked:";

/** Writes the greater of two limits, for the longer of two times, in one step: `KEYS[1]`, limit, milliseconds. */
const WRITE_SCRIPT = `
local before = tonumber(redis.call("GET", KEYS[1]) or "0")
local left = redis.call("PTTL", KEYS[1])
local limit = math.max(before, tonumber(ARGV[1]))
local ttl = math.max(left, tonumber(ARGV[2]))
redis.call("SET", KEYS[1], string.format("%.0f", limit), "PX", string.format("%.0f", ttl))
return 1`;

interface Cached {
  readonly at: number;
  readonly upTo: Promise<number | undefined>;
}

/** Revocations in Redis, for several replicas. Nothing else is written there, and every key expires by itself. */
export class RedisStore implements RevocationStore {
  readonly #link: RedisLink;
  readonly #now: () => number;
  readonly #cache = new Map<string, Cached>();

  constructor(link: RedisLink, now: () => number) {
    this.#link = link;
    this.#now = now;
  }

  /** @throws {Denial} `STATE_UNAVAILABLE`: what cannot be read is not taken for "not revoked". */
  read(key: string): Promise<number | undefined> {
    const at = performance.now();
    const cached = this.#cache.get(key);
    if (cached !== undefined && at - cached.at < CACHE_MS) return cached.upTo;
    const upTo = this.#link.run((client) => client.get(PREFIX + key)).then(readLimit);
    this.#remember(key, { at, upTo });
    return upTo;
  }

  async write(key: string, { upTo, keepUntil }: RevocationEntry): Promise<void> {
    const ttl = Math.max(1, keepUntil - this.#now());
    await this.#link.run((client) =>
      client.eval(WRITE_SCRIPT, { keys: [PREFIX + key], arguments: [String(upTo), String(ttl)] })
    );
    this.#cache.delete(key);
  }

  #remember(key: string, cached: Cached): void {
    this.#cache.delete(key);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(key, cached);
    // A failure is asked for again by the next one who wants to know.
    cached.upTo.catch(() => this.#cache.get(key) === cached && this.#cache.delete(key));
  }
}

/** What is there and is no limit of ours revokes everything. */
function readLimit(value: string | null): number | undefined {
  if (value === null) return undefined;
  return /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.MAX_SAFE_INTEGER;
}
