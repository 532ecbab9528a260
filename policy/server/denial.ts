/** Why a caller of the server does not get what it asks for. Stable: part of the HTTP and MCP interfaces. */
const DENIALS = {
  REQUEST_INVALID: [400, "The request is not what this operation takes"],
  REF_INVALID: [400, "The ref is not canonical: plain segments with slashes are expected"],
  URL_INVALID: [400, "The URL is not an https URL without user information and fragment"],
  HEADER_COLLIDES: [400, "A header of the request is one that the server sets itself"],
  BODY_TOO_LARGE: [413, "The request body is too large"],
  JWT_MISSING: [401, "A JWT is needed"],
  JWT_MALFORMED: [401, "The JWT cannot be read"],
  JWT_ISSUER_UNKNOWN: [401, "The JWT's issuer is not one of this server's"],
  JWT_ALGORITHM_REFUSED: [401, "The JWT's algorithm is not accepted for this issuer"],
  JWT_KEY_UNKNOWN: [401, "The JWT names a key that its issuer does not have"],
  JWT_SIGNATURE_INVALID: [401, "The JWT's signature is not valid"],
  JWT_AUDIENCE_WRONG: [401, "The JWT is for another audience"],
  JWT_EXPIRED: [401, "The JWT has expired"],
  JWT_NOT_YET_VALID: [401, "The JWT is not valid yet"],
  JWT_CLAIMS_INVALID: [401, "The JWT lacks a claim, or has one of a wrong type"],
  ISSUER_UNAVAILABLE: [503, "The keys of the JWT's issuer cannot be read now"],
  POLICY_DENIED: [403, "No policy allows this"],
  RESOURCE_UNKNOWN: [403, "No policy allows this"],
  RESOLVER_MISMATCH: [403, "The resource has another resolver"],
  TARGET_DENIED: [403, "The resource may not be used with this host, method or path"],
  TOKEN_INVALID: [403, "The token was not made by this server, or was changed"],
  TOKEN_EXPIRED: [403, "The token has expired"],
  SECRET_UNAVAILABLE: [502, "The value cannot be read from its backend"],
  SECRET_UNUSABLE: [502, "The value cannot stand where the resource puts it"],
  UPSTREAM_UNREACHABLE: [502, "The host cannot be reached"],
  UPSTREAM_CERTIFICATE: [502, "The host's certificate is not valid for its name"],
  UPSTREAM_ADDRESS_DENIED: [403, "The host has a loopback, private or special address"],
  UPSTREAM_INVALID: [502, "The host's response is cut off, encoded in a way that cannot be searched, or breaks HTTP"],
  UPSTREAM_TIMEOUT: [504, "The host did not answer in time"],
  AUDIT_UNAVAILABLE: [503, "The audit log cannot be written"],
  STATE_UNAVAILABLE: [503, "The state of revocations cannot be read"],
  TOO_MANY_REQUESTS: [429, "Too many requests of this caller"],
  OVERLOADED: [503, "The server has too much to do"],
  INTERNAL: [500, "The server met a fault of its own"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type DenialCode = keyof typeof DENIALS;
export const DENIAL_CODES: readonly DenialCode[] = Object.keys(DENIALS) as DenialCode[];

/** A request that is not carried out. Its text holds nothing that the caller sent and nothing of a secret. */
export class Denial extends Error {
  override readonly name = "Denial";
  readonly code: DenialCode;
  /** What the caller can change; a fixed text of ours, or one that holds parsed values only. */
  readonly detail: string | undefined;
  /** Which policy denied, for the audit and not for the caller. */
  readonly policy: string | undefined;

  constructor(code: DenialCode, options: { detail?: string; policy?: string; cause?: unknown } = {}) {
    super(code, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.policy = options.policy;
  }

  /** The HTTP status. */
  get status(): number {
    return DENIALS[this.code][0];
  }

  /** One sentence, the same for every occurrence (RFC 9457 §3.1.3). */
  get title(): string {
    return DENIALS[this.code][1];
  }
}

/** A denial in a form that crosses a `MessagePort`. */
export interface WireDenial {
  readonly code: DenialCode;
  readonly detail: string | undefined;
  readonly policy: string | undefined;
}

/** Turns anything thrown into its wire form; what is not a denial is a fault of ours, and its text is left out. */
export function toWireDenial(thrown: unknown): WireDenial {
  const { code, detail, policy } = thrown instanceof Denial ? thrown : new Denial("INTERNAL");
  return { code, detail, policy };
}

export function fromWireDenial({ code, detail, policy }: WireDenial): Denial {
  return new Denial(code, {
    ...(detail === undefined ? {} : { detail }),
    ...(policy === undefined ? {} : { policy }),
  });
}
