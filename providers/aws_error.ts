import { AppError, type ErrorCode } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import type { readError } from "./provider_error.ts";

/** What an error of AWS means to the operator. */
export interface AwsReading {
  readonly code: ErrorCode;
  readonly state: string;
  readonly hints: readonly string[];
}

const NO_ACCESS: AwsReading = {
  code: "PROVIDER_ACCESS_DENIED",
  state: "AWS denies access",
  hints: ["Allow secretsmanager:GetSecretValue or ssm:GetParameters, and kms:Decrypt for its key, to this identity"],
};
const BAD_CREDENTIALS: AwsReading = {
  code: "PROVIDER_ACCESS_DENIED",
  state: "AWS does not accept the credentials",
  hints: ["Sign in again, for example with: aws sso login", "See that AWS_PROFILE or the keys are the ones you mean"],
};
const NOT_FOUND: AwsReading = {
  code: "PROVIDER_SECRET_NOT_FOUND",
  state: "AWS has no such secret in this region and account",
  hints: ["See that region and account are the ones you mean"],
};
const UNREACHABLE: AwsReading = {
  code: "PROVIDER_UNAVAILABLE",
  state: "the endpoint cannot be reached",
  hints: ["See that the network, the region and the option endpoint are right"],
};
const BUSY: AwsReading = {
  code: "PROVIDER_UNAVAILABLE",
  state: "AWS is throttling or failing",
  hints: ["Try again later"],
};
const NO_CREDENTIALS: AwsReading = {
  code: "PROVIDER_UNAVAILABLE",
  state: "no AWS credentials were found",
  hints: [
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with: aws sso login",
    "A credential_process in ~/.aws/config is not run: kz gives this worker no right to run programs",
  ],
};

/** By the name of what the SDK throws, or of an `__type` or `ErrorCode` in a reply. */
const BY_NAME: ReadonlyMap<string, AwsReading> = new Map([
  ["ResourceNotFoundException", NOT_FOUND],
  ["ParameterNotFound", NOT_FOUND],
  ["ParameterVersionNotFound", NOT_FOUND],
  ["AccessDeniedException", NO_ACCESS],
  ["AccessDenied", NO_ACCESS],
  ["DecryptionFailure", NO_ACCESS],
  ["UnrecognizedClientException", BAD_CREDENTIALS],
  ["InvalidSignatureException", BAD_CREDENTIALS],
  ["IncompleteSignature", BAD_CREDENTIALS],
  ["InvalidClientTokenId", BAD_CREDENTIALS],
  ["ExpiredTokenException", BAD_CREDENTIALS],
  ["ExpiredToken", BAD_CREDENTIALS],
  ["CredentialsProviderError", NO_CREDENTIALS],
  ["TokenProviderError", NO_CREDENTIALS],
  ["ThrottlingException", BUSY],
  ["InternalServiceError", BUSY],
  ["InternalServerError", BUSY],
  ["TimeoutError", UNREACHABLE],
  ["InvalidRequestException", {
    code: "PROVIDER_UNAVAILABLE",
    state: "the secret is in a state that does not allow this, such as deletion",
    hints: [],
  }],
  ["NotCapable", {
    code: "PROVIDER_UNAVAILABLE",
    state: "the SDK asked for a host, file or variable that its worker may not use",
    hints: ["Set the options region and profile under [providers.aws], or endpoint for an endpoint of your own"],
  }],
]);

/** By the code of a system error below the SDK. */
const NETWORK_CODE_REGEXP =
  /^(?:ECONN|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|CERT_|ERR_TLS|UNABLE_TO)/;

/**
 * Puts what AWS or its SDK said into our words. Their messages are not passed on: they may quote the request.
 *
 * @param error How to say it: {@linkcode readError} or `storeError`.
 */
export function awsError(
  thrown: unknown,
  error: typeof readError,
  { ref, signal }: { ref: SecretRef; signal: AbortSignal },
): unknown {
  if (signal.aborted) return signal.reason;
  if (thrown instanceof AppError) return thrown;
  const { code, state, hints } = readAwsError(thrown);
  return error({ code: code, provider: "aws", ref }, state, { cause: thrown, hints });
}

/** Whether a batch was denied where single reads may still be allowed, or the endpoint does not know batches. */
export function isBatchRefused(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return /^(?:AccessDenied|UnknownOperation|InvalidAction|NotImplemented)/.test(thrown.name);
}

export function readAwsError(thrown: unknown): AwsReading {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    const known = BY_NAME.get(cause.name);
    if (known !== undefined) return known;
    if ("code" in cause && typeof cause.code === "string" && NETWORK_CODE_REGEXP.test(cause.code)) return UNREACHABLE;
    if (/^Region is missing/.test(cause.message)) {
      return {
        code: "PROVIDER_UNAVAILABLE",
        state: "no AWS region is set",
        hints: ['Set AWS_REGION, or region = "eu-west-1" under [providers.aws]'],
      };
    }
    if (statusOf(cause) >= 500) return BUSY;
  }
  return { code: "PROVIDER_UNAVAILABLE", state: "AWS refused the request", hints: [] };
}

function statusOf(error: Error): number {
  const metadata = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return 0;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : 0;
}
