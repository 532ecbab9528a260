import { AppError } from "./error.ts";

const UNIT_MS: ReadonlyMap<string, number> = new Map([["s", 1_000], ["m", 60_000], ["h", 3_600_000]]);
/** More often is load on the backend, and a 401 is followed at once anyhow. */
const SHORTEST_MS = 10_000;
/** A timer holds at most 2^31 - 1 ms. */
const LONGEST_MS = 24 * 3_600_000;

/** What {@linkcode parseRefresh} reads, for the JSON Schema of the configuration. */
export const REFRESH_PATTERN = "^[1-9][0-9]{0,4}[smh]$";

/**
 * Reads a `refresh`: a whole number and `s`, `m` or `h`, from 10 s to 24 h.
 *
 * @returns Milliseconds.
 * @throws {AppError} `CONFIG_REFRESH_INVALID`; the message never holds `text`.
 */
export function parseRefresh(text: string): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS.get(unit) ?? 0);
  if (!(ms >= SHORTEST_MS && ms <= LONGEST_MS)) {
    throw new AppError("CONFIG_REFRESH_INVALID", "Cannot read refresh: a time from 10s to 24h is expected", {
      hints: ['Write for example refresh = "10m"'],
    });
  }
  return ms;
}
