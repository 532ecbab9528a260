import { AppError, type ErrorCode } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";

interface Details extends ErrorOptions {
  readonly hints?: readonly string[];
}

/** Which secret, and which of our codes says what is wrong with it. */
export interface SecretProblem {
  readonly code: ErrorCode;
  readonly provider: string;
  readonly ref: SecretRef;
}

/** What a provider says about a secret that it cannot read: `Cannot read secret "<ref>" of provider "<name>": <state>`. */
export function readError(problem: SecretProblem, state: string, details: Details = {}): AppError {
  return new AppError(problem.code, `Cannot read ${describeSecret(problem)}: ${state}`, details);
}

/** The same for a secret that it cannot store. */
export function storeError(problem: SecretProblem, state: string, details: Details = {}): AppError {
  return new AppError(problem.code, `Cannot store ${describeSecret(problem)}: ${state}`, details);
}

/** The same for a backend as a whole. */
export function providerError(
  problem: { code: ErrorCode; provider: string },
  state: string,
  details: Details = {},
): AppError {
  return new AppError(problem.code, `Cannot use provider "${problem.provider}": ${state}`, details);
}

export function describeSecret(secret: { provider: string; ref: string }): string {
  return `secret "${secret.ref}" of provider "${secret.provider}"`;
}
