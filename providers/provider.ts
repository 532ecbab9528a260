import type { SecretRef } from "../policy/secret_ref.ts";

/** One secret that is asked of a provider. */
export interface SecretRequest {
  /** The caller's key for the answer; for `kz run` the secret's name. */
  readonly id: string;
  readonly ref: SecretRef;
}

/**
 * What became of one request: the value's UTF-8 bytes, and for how long it is good where the backend says so; or what was
 * thrown for it (an `AppError` where possible).
 */
export type Resolution =
  | { readonly id: string; readonly bytes: Uint8Array; readonly lifeMs?: number }
  | { readonly id: string; readonly error: unknown };

/** A place that secrets live in. One instance serves one worker. */
export interface Provider {
  /** Resolves every request on its own: one failure does not hide another. Never throws for a single secret. */
  resolve(requests: readonly SecretRequest[], options: { signal: AbortSignal }): Promise<readonly Resolution[]>;
  /** Stores a value; absent where the backend cannot be written. */
  put?(ref: SecretRef, bytes: Uint8Array, options: { signal: AbortSignal }): Promise<void>;
  /** Throws an `AppError` with hints when the backend cannot be used on this machine now. */
  check(options: { signal: AbortSignal }): Promise<void>;
}
