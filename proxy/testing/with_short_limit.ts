/**
 * Runs `body` while every timer of exactly `ms` fires after 50 ms, so that a limit is tested without waiting for it.
 */
export async function withShortLimit(ms: number, body: () => Promise<void>): Promise<void> {
  const { setTimeout: original } = globalThis;
  const shortened = (handler: () => void, delay?: number) => original(handler, delay === ms ? 50 : delay);
  Object.assign(globalThis, { setTimeout: shortened });
  try {
    await body();
  } finally {
    Object.assign(globalThis, { setTimeout: original });
  }
}
