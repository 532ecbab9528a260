import { LIMITS } from "../limits.ts";

/** Runs `body` with other limits, so that one is reached without thousands of connections or bytes. */
export async function withLimits(
  limits: Partial<Record<keyof typeof LIMITS, number>>,
  body: () => Promise<void>,
): Promise<void> {
  const before = { ...LIMITS };
  Object.assign(LIMITS, limits);
  try {
    await body();
  } finally {
    Object.assign(LIMITS, before);
  }
}
