import type { DenialCode } from "../../../policy/server/denial.ts";

/** What a model, or who runs it, can do about a denial: one imperative sentence each. */
export const ADVICE: Readonly<Record<DenialCode, string>> = {
  REQUEST_INVALID: "Correct the arguments by the tool's input schema and call it again.",
  REF_INVALID:
    'Pass the resource ref exactly as you were given it, for example "github/pat": no "..", "*", spaces or URL.',
  URL_INVALID: "Pass an absolute https URL without user name, password and fragment.",
  HEADER_COLLIDES:
    "Leave out the header that carries the credential, Host and other headers of the connection: the server sets them.",
  BODY_TOO_LARGE: "Send a smaller body, of at most 1 MiB.",
  JWT_MISSING:
    'Pass your workload\'s JWT as the argument "jwt". If you have none, ask the operator; do not make one up.',
  JWT_MALFORMED: "Pass the JWT whole: three parts with dots between them, without quotes and without the word Bearer.",
  JWT_ISSUER_UNKNOWN: "Get a JWT of an issuer that this server knows; ask the operator which.",
  JWT_ALGORITHM_REFUSED: "Get a JWT that is signed as the operator expects; calling again with this one does not help.",
  JWT_KEY_UNKNOWN: "Get a new JWT: the issuer may have changed its keys.",
  JWT_SIGNATURE_INVALID: "Pass the JWT unchanged, or get a new one.",
  JWT_AUDIENCE_WRONG: "Get a JWT whose audience is this server; ask the operator for its name.",
  JWT_EXPIRED: "Get a new JWT and call again.",
  JWT_NOT_YET_VALID: "Wait a minute and call again; if that does not help, the clocks differ: tell the operator.",
  JWT_CLAIMS_INVALID: "Get a JWT with the claims that the operator asks for.",
  ISSUER_UNAVAILABLE: "Call again in some seconds; if that does not help, tell the operator.",
  POLICY_DENIED: "Do not try again: ask the operator for a policy that allows this, or use another resource.",
  RESOURCE_UNKNOWN: "Check the spelling of the resource ref; if it is right, ask the operator.",
  RESOLVER_MISMATCH: 'Leave out the argument "resolver", or pass the one that the resource has.',
  TARGET_DENIED: "Use a host, method and path that the resource is for; ask the operator if you need another.",
  TOKEN_INVALID: "Call resolve for a new token and use it unchanged.",
  TOKEN_EXPIRED: "Call resolve for a new token.",
  SECRET_UNAVAILABLE:
    "Call again in some seconds; if that does not help, tell the operator that the backend does not answer.",
  SECRET_UNUSABLE: "Tell the operator that this resource's value does not fit the place where it is to stand.",
  UPSTREAM_UNREACHABLE: "Check the URL's host, and call again in some seconds.",
  UPSTREAM_CERTIFICATE: "Check the URL's host; if it is right, tell the operator that its certificate is not valid.",
  UPSTREAM_ADDRESS_DENIED: "Use a public host; ask the operator if a private one is meant.",
  UPSTREAM_INVALID: "Call again once; if that does not help, tell the operator that the response cannot be read.",
  UPSTREAM_TIMEOUT: "Call again later, and ask the host for less if you can.",
  AUDIT_UNAVAILABLE:
    "Call again in some seconds; if that does not help, tell the operator that the audit log cannot be written.",
  STATE_UNAVAILABLE:
    "Call again in some seconds; if that does not help, tell the operator that revocations cannot be read.",
  TOO_MANY_REQUESTS: "Wait some seconds, then call less often and fewer at one time.",
  OVERLOADED: "Wait some seconds and call again.",
  INTERNAL: "Call again once; if that does not help, tell the operator.",
};
