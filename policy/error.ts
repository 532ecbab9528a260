/** Who has to act. Decides the exit status and nothing else. */
export type ErrorKind = "usage" | "config" | "denied" | "provider" | "bug";

/** Every stable code, with who has to act. Adding one is a minor change; renaming one is breaking. */
const KIND = {
  // Command line
  USAGE_INVALID: "usage",
  USAGE_ARGUMENT_PUBLIC: "usage",
  USAGE_ARGUMENT_UNKNOWN: "usage",
  USAGE_NO_TERMINAL: "usage",
  USAGE_INPUT_INVALID: "usage",
  // Configuration
  CONFIG_HOST_INVALID: "config",
  CONFIG_NAME_INVALID: "config",
  CONFIG_REF_INVALID: "config",
  CONFIG_RULE_INVALID: "config",
  CONFIG_MASK_INVALID: "config",
  CONFIG_PLACEMENT_INVALID: "config",
  CONFIG_SHAPE_INVALID: "config",
  CONFIG_REFRESH_INVALID: "config",
  CONFIG_NOT_FOUND: "config",
  CONFIG_UNREADABLE: "config",
  CONFIG_SYNTAX_INVALID: "config",
  CONFIG_TYPE_INVALID: "config",
  CONFIG_KEY_UNKNOWN: "config",
  CONFIG_KEY_MISSING: "config",
  CONFIG_PROVIDER_UNKNOWN: "config",
  CONFIG_SECRET_UNKNOWN: "config",
  CONFIG_SERVICE_UNKNOWN: "config",
  CONFIG_COMPOSITION_INVALID: "config",
  CONFIG_ENVIRONMENT_UNKNOWN: "config",
  CONFIG_EXISTS: "config",
  CONFIG_UPSTREAM_CA_INVALID: "config",
  CONFIG_NOT_EDITED: "config",
  RESOURCE_REF_INVALID: "config",
  // Team server
  BUNDLE_RULE_INVALID: "config",
  BUNDLE_REFERENCE_UNKNOWN: "config",
  BUNDLE_ISSUER_INVALID: "config",
  BUNDLE_KEY_INVALID: "config",
  BUNDLE_STATE_INVALID: "config",
  BUNDLE_FIXTURE_INVALID: "config",
  BUNDLE_FIXTURES_DIFFER: "denied",
  SERVER_KEY_INVALID: "config",
  SERVER_LISTEN_FAILED: "config",
  SERVER_LISTEN_INSECURE: "config",
  SERVER_TLS_INVALID: "config",
  SERVER_STATE_UNAVAILABLE: "provider",
  SERVER_REFUSED: "denied",
  SERVER_UNREACHABLE: "provider",
  AUDIT_UNWRITABLE: "config",
  AUDIT_BROKEN: "denied",
  AUDIT_SINK_INVALID: "config",
  JWT_INPUT_INVALID: "usage",
  JWT_KEY_UNUSABLE: "config",
  // Policy decisions
  DENIED_IN_BLIND_RUN: "denied",
  POLICY_HOST_DENIED: "denied",
  POLICY_REQUEST_DENIED: "denied",
  POLICY_SECRET_HOST_DENIED: "denied",
  POLICY_ADDRESS_DENIED: "denied",
  // Providers
  PROVIDER_SECRET_NOT_FOUND: "provider",
  PROVIDER_UNAVAILABLE: "provider",
  PROVIDER_ACCESS_DENIED: "provider",
  PROVIDER_TIMEOUT: "provider",
  PROVIDER_READ_ONLY: "provider",
  PROVIDER_SOURCE_INVALID: "provider",
  PROVIDER_VALUE_INVALID: "provider",
  PROVIDER_WRITE_FAILED: "provider",
  STORE_IDENTITY_EXPOSED: "provider",
  STORE_IDENTITY_MISSING: "provider",
  STORE_LOCKED: "provider",
  STORE_PASSPHRASE_MISSING: "provider",
  STORE_PASSPHRASE_WRONG: "provider",
  STORE_UNREADABLE: "provider",
  // Running the child
  CHILD_NOT_FOUND: "usage",
  CHILD_NOT_EXECUTABLE: "usage",
  CHILD_ENVIRONMENT_INVALID: "config",
  // Ours
  SECRET_NOT_TEXT: "provider",
  SECRET_DISPOSED: "bug",
  INTERNAL: "bug",
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof KIND;
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(KIND) as ErrorCode[];

/** Process exit status for each kind. */
export const EXIT: Record<ErrorKind, number> = { usage: 2, config: 3, denied: 4, provider: 5, bug: 70 };

/** Codes with a status of their own: what shells give (POSIX XCU §2.8.2), in place of their kind's. */
const STATUS: { readonly [code in ErrorCode]?: number } = { CHILD_NOT_FOUND: 127, CHILD_NOT_EXECUTABLE: 126 };

/**
 * The one error that reaches people.
 *
 * `message` reads *Cannot <verb> <thing>: <present state>* and holds only parsed or numeric values, never a secret and
 * never text that failed to parse.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  /** What the operator can do next, one imperative line each. */
  readonly hints: readonly string[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { hints?: readonly string[] } = {}) {
    super(message, options);
    this.code = code;
    this.hints = options.hints ?? [];
  }

  get kind(): ErrorKind {
    return KIND[this.code];
  }

  /** The status the process ends with when this error ends it. */
  get exitStatus(): number {
    return STATUS[this.code] ?? EXIT[this.kind];
  }
}

/** An `AppError` in a form that crosses a `MessagePort`. `causes` are outermost first. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hints: readonly string[];
  readonly causes: readonly string[];
}

/** Turns anything thrown into its wire form. The message of a foreign error is not trusted and is left out. */
export function toWireError(thrown: unknown): WireError {
  const error = thrown instanceof AppError
    ? thrown
    : new AppError("INTERNAL", "Cannot go on: an unexpected error occurred", { cause: thrown });
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 8; cause = cause.cause) {
    causes.push(cause instanceof AppError ? cause.message : cause.name);
  }
  return { code: error.code, message: error.message, hints: error.hints, causes };
}

/** The inverse of {@linkcode toWireError}; the causes become plain errors. */
export function fromWireError(wire: WireError): AppError {
  const cause = wire.causes.reduceRight<Error | undefined>(
    (inner, message) => new Error(message, inner === undefined ? {} : { cause: inner }),
    undefined,
  );
  return new AppError(wire.code, wire.message, { hints: wire.hints, ...(cause === undefined ? {} : { cause }) });
}
