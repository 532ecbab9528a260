import type { SecretRef } from "../policy/secret_ref.ts";
import { mapLimited } from "./map_limited.ts";
import type { Resolution, SecretRequest } from "./provider.ts";

/** Resolves each request by a function of its own, so that one failure does not hide another. */
export function resolveEach(
  requests: readonly SecretRequest[],
  read: (ref: SecretRef) => Uint8Array | Promise<Uint8Array>,
): Promise<Resolution[]> {
  return mapLimited(requests, async ({ id, ref }): Promise<Resolution> => {
    try {
      return { id, bytes: await read(ref) };
    } catch (error) {
      return { id, error };
    }
  });
}
