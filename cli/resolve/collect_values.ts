import { AppError } from "../../policy/error.ts";

/** A value that was found is on its port already, or on its way from another thread. */
const COLLECT_TIMEOUT_MS = 5_000;

/**
 * Takes the values off the ports into this isolate: direct mode only.
 *
 * @param valuePorts Closed when this returns.
 * @param found The ids to wait for.
 * @returns UTF-8 bytes by id; the caller clears them.
 * @throws {AppError} `INTERNAL` if a port carries something else, or a value does not arrive.
 */
export async function collectValues(
  valuePorts: readonly MessagePort[],
  found: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  const missing = new Set(found);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(broken("a value did not arrive")), COLLECT_TIMEOUT_MS);
  try {
    if (missing.size === 0) return values;
    for (const port of valuePorts) {
      port.onmessageerror = () => reject(broken("a message could not be read"));
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (!isValueMessage(data) || !missing.delete(data.id)) return reject(broken("a message is not a value"));
        values.set(data.id, data.bytes);
        if (missing.size === 0) resolve();
      };
    }
    await promise;
    return values;
  } finally {
    clearTimeout(timer);
    for (const port of valuePorts) port.close();
  }
}

function isValueMessage(data: unknown): data is { id: string; bytes: Uint8Array } {
  return typeof data === "object" && data !== null && "id" in data && typeof data.id === "string" &&
    "bytes" in data && data.bytes instanceof Uint8Array;
}

function broken(state: string): AppError {
  return new AppError("INTERNAL", `Cannot take over secret values: ${state}`);
}
