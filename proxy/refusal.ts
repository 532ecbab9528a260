import type { Host } from "../policy/host.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { HttpError, type HttpErrorCode } from "./http/http_error.ts";

/** Why a request or a response was not passed on. Stable. */
export type RefusalCode =
  | HttpErrorCode
  | "POLICY_HOST_DENIED"
  | "POLICY_REQUEST_DENIED"
  | "POLICY_ADDRESS_DENIED"
  | "POLICY_SECRET_HOST_DENIED"
  | "POLICY_VALUE_OUTGOING"
  | "PROXY_CREDENTIALS_REQUIRED"
  | "PROXY_TOO_MANY_CONNECTIONS"
  | "PROXY_OVERLOADED"
  | "PROXY_BODY_TOO_SLOW"
  | "PROXY_TUNNEL_NOT_TLS"
  | "PROXY_CLIENT_HANDSHAKE"
  | "PROXY_PROTOCOL_UNSUPPORTED"
  | "PROXY_TOKEN_MISPLACED"
  | "PROXY_TOKEN_REPEATED"
  | "PROXY_TOKEN_UNKNOWN"
  | "PROXY_TOKEN_INVALID"
  | "PROXY_TOKEN_EXPIRED"
  | "PROXY_TOKEN_REVOKED"
  | "PROXY_TOKEN_SUBJECT_MISMATCH"
  | "PROXY_TOKEN_RESOURCE_UNKNOWN"
  | "PROXY_TOKEN_LIMIT"
  | "POLICY_TOKEN_TARGET_DENIED"
  | "PROXY_PASS_EXPIRED"
  | "PROXY_CALLER_LIMIT"
  | "PROXY_STATE_UNAVAILABLE"
  | "PROXY_AUDIT_UNAVAILABLE"
  | "PROXY_SECRET_UNAVAILABLE"
  | "PROXY_CLEAR_TEXT"
  | "PROXY_VALUE_UNSENDABLE"
  | "PROXY_BODY_ENCODED"
  | "PROXY_RESPONSE_ENCODED"
  | "PROXY_AWS_SIGNATURE_MALFORMED"
  | "PROXY_AWS_SIGNATURE_INVALID"
  | "PROXY_AWS_SCHEME_UNSUPPORTED"
  | "PROXY_AWS_BODY_TOO_LARGE"
  | "PROXY_WEBSOCKET_INVALID"
  | "PROXY_SERVER_MIXED"
  | "PROXY_SERVER_UNREACHABLE"
  | "PROXY_SERVER_REFUSED"
  | "PROXY_SERVER_CERTIFICATE"
  | "PROXY_UPSTREAM_UNREACHABLE"
  | "PROXY_UPSTREAM_CERTIFICATE"
  | "PROXY_UPSTREAM_INVALID";

/** What the contained program is told of each: a status and a sentence that holds no name and no value. */
const ANSWERS: Record<Exclude<RefusalCode, HttpErrorCode>, readonly [status: number, message: string]> = {
  POLICY_HOST_DENIED: [403, "The operator's rules do not allow this host"],
  POLICY_REQUEST_DENIED: [403, "The operator's rules do not allow this method and path on this host"],
  POLICY_ADDRESS_DENIED: [403, "The host has a loopback, private or special address, which no rule names"],
  POLICY_SECRET_HOST_DENIED: [403, "The masked token in this request may not go to this host or path"],
  POLICY_VALUE_OUTGOING: [403, "The request holds a secret value itself; use the masked token"],
  PROXY_CREDENTIALS_REQUIRED: [407, "The proxy credentials are missing or wrong"],
  PROXY_TOO_MANY_CONNECTIONS: [503, "Too many connections are open"],
  PROXY_OVERLOADED: [503, "Too many large request bodies are held at this time"],
  PROXY_BODY_TOO_SLOW: [408, "The request body did not come in time"],
  PROXY_TUNNEL_NOT_TLS: [403, "Only TLS is carried in a tunnel"],
  PROXY_CLIENT_HANDSHAKE: [403, "The TLS handshake was not completed"],
  PROXY_PROTOCOL_UNSUPPORTED: [403, "Only HTTP/1.1 and HTTP/2 are carried in TLS"],
  PROXY_TOKEN_MISPLACED: [403, "A masked token stands where it is not replaced"],
  PROXY_TOKEN_REPEATED: [403, "A header that holds a masked token stands more than once"],
  PROXY_TOKEN_UNKNOWN: [403, "A masked token in this request does not belong to this run"],
  PROXY_TOKEN_INVALID: [403, "A token in this request was not made by this server, or was changed"],
  PROXY_TOKEN_EXPIRED: [403, "A token in this request has expired; resolve its resource again"],
  PROXY_TOKEN_REVOKED: [403, "A token in this request was revoked"],
  PROXY_TOKEN_SUBJECT_MISMATCH: [403, "A token in this request belongs to another caller"],
  PROXY_TOKEN_RESOURCE_UNKNOWN: [403, "A token in this request is for a resource that the server does not have"],
  PROXY_TOKEN_LIMIT: [403, "The request holds too many tokens"],
  POLICY_TOKEN_TARGET_DENIED: [403, "A token in this request may not be used with this host, method or path"],
  PROXY_PASS_EXPIRED: [407, "The proxy pass has expired; resolve a resource again for a new proxy URL"],
  PROXY_CALLER_LIMIT: [429, "Too many requests of this caller are on their way"],
  PROXY_STATE_UNAVAILABLE: [503, "The state of revocations cannot be read"],
  PROXY_AUDIT_UNAVAILABLE: [503, "The audit log cannot be written"],
  PROXY_SECRET_UNAVAILABLE: [502, "The value cannot be read from its backend"],
  PROXY_CLEAR_TEXT: [403, "A masked token is not replaced in clear text; use https"],
  PROXY_VALUE_UNSENDABLE: [403, "The secret's value cannot stand in a header"],
  PROXY_BODY_ENCODED: [415, "The encoded request body cannot be searched; send it without Content-Encoding"],
  PROXY_RESPONSE_ENCODED: [502, "The host encoded its response although none was asked for"],
  PROXY_AWS_SIGNATURE_MALFORMED: [400, "The AWS signature of this request cannot be read, or stands more than once"],
  PROXY_AWS_SIGNATURE_INVALID: [403, "The AWS signature of this request was not made with the masked secret key"],
  PROXY_AWS_SCHEME_UNSUPPORTED: [501, "Only AWS4-HMAC-SHA256 is signed anew, without signed event streams"],
  PROXY_AWS_BODY_TOO_LARGE: [
    413,
    "The signed body or chunk is too large; send x-amz-content-sha256, or smaller chunks",
  ],
  PROXY_WEBSOCKET_INVALID: [400, "A WebSocket frame of this program breaks RFC 6455"],
  PROXY_SERVER_MIXED: [403, "The request holds a token of the team server together with another secret"],
  PROXY_SERVER_UNREACHABLE: [502, "The team server's proxy cannot be reached"],
  PROXY_SERVER_REFUSED: [502, "The team server's proxy does not lead to this host now"],
  PROXY_SERVER_CERTIFICATE: [502, "The team server's proxy cannot prove who it is"],
  PROXY_UPSTREAM_UNREACHABLE: [502, "The host cannot be reached"],
  PROXY_UPSTREAM_CERTIFICATE: [502, "The host's certificate is not valid for its name"],
  PROXY_UPSTREAM_INVALID: [502, "The host's response is cut off or breaks HTTP"],
};

/** What the operator is told besides. Never a value. */
export interface RefusalFacts {
  readonly host?: Host;
  readonly port?: number;
  readonly method?: string;
  readonly secret?: SecretName;
  /** The field in which a host gave the credential out that was got with the secret. */
  readonly minted?: string;
  /** The number of the connection rule that denied; absent when none matched. */
  readonly rule?: number;
  /** A fixed phrase of ours, for example "certificate has expired". */
  readonly detail?: string;
}

/** A request that is not carried out, or a response that is not passed. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly status: number;
  readonly facts: RefusalFacts;

  constructor(code: RefusalCode, facts: RefusalFacts = {}, status?: number) {
    super(code);
    this.code = code;
    this.facts = facts;
    this.status = status ?? (isOwn(code) ? ANSWERS[code][0] : 400);
  }

  /** Turns what parsing threw into a refusal; undefined for anything else, which ends the connection. */
  static from(thrown: unknown, facts: RefusalFacts): Refusal | undefined {
    if (thrown instanceof Refusal) return thrown.with(facts);
    if (thrown instanceof HttpError) return new Refusal(thrown.code, facts, thrown.status);
    return undefined;
  }

  /** The same, with what more is known. */
  with(facts: RefusalFacts): Refusal {
    return new Refusal(this.code, { ...facts, ...this.facts }, this.status);
  }

  /** The JSON body that the contained program gets: status, code and host, nothing else. */
  body(): string {
    const message = isOwn(this.code) ? ANSWERS[this.code][1] : "The request is not valid or not carried";
    const host = this.facts.host;
    return JSON.stringify({ error: { code: this.code, message, ...(host === undefined ? {} : { host }) } }) + "\n";
  }
}

function isOwn(code: RefusalCode): code is Exclude<RefusalCode, HttpErrorCode> {
  return Object.hasOwn(ANSWERS, code);
}
