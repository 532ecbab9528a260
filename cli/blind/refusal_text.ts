import type { RefusalCode, RefusalFacts } from "../../proxy/refusal.ts";

/** What the operator reads of a refusal: the present state, and what to change. */
export interface RefusalWords {
  readonly state: string;
  hint?(facts: RefusalFacts): string | undefined;
}

/** Of `kz run --blind`. */
const TEXTS: { readonly [code in RefusalCode]?: RefusalWords } = {
  POLICY_HOST_DENIED: {
    state: "no connection rule allows this host",
    hint: ({ host, rule }) =>
      rule === undefined
        ? `Add [[blind.connections]] allow = true, host = "${host}"`
        : `Rule ${rule} of [[blind.connections]] denies it; put a rule that allows "${host}" before it`,
  },
  POLICY_REQUEST_DENIED: {
    state: "no connection rule allows this method and path",
    hint: ({ rule }) =>
      rule === undefined
        ? "Add the method and path to a rule of [[blind.connections]]"
        : `Rule ${rule} of [[blind.connections]] denies it`,
  },
  POLICY_ADDRESS_DENIED: {
    state: "the host's address is loopback, private or special",
    hint: ({ host }) =>
      `Add [[blind.connections]] allow = true, host = "${host}", which allows its private addresses too`,
  },
  POLICY_SECRET_HOST_DENIED: {
    state: "the secret may not go there",
    hint: ({ host, secret, minted }) =>
      minted === undefined
        ? `Add "${host}" to hosts of secret ${secret} if it may`
        : `Write minted_hosts for secret ${secret}, with "${host}", if what hosts give out for it may`,
  },
  POLICY_VALUE_OUTGOING: {
    state: "the request holds the secret's real value, which the program was not given",
    hint: ({ secret }) =>
      secret === undefined
        ? "Find out where it learnt the value, and renew that; or the value is a common word"
        : `Find out where it learnt the value of ${secret}, and renew that; or the value is a common word`,
  },
  PROXY_TOKEN_MISPLACED: {
    state: "a masked token stands where it is not replaced",
    hint: ({ secret, minted }) =>
      minted !== undefined
        ? "What a host gave out is replaced in headers, and what renews it in the body's field of its name"
        : secret === undefined
        ? 'Tokens are replaced where "in" of their secret says, by default in headers, as they are or in Basic'
        : `Name the place in "in" of secret ${secret}, for example in = ["header:Cookie"] or ["query:key"], if it may stand there`,
  },
  PROXY_TOKEN_REPEATED: { state: "a header with a masked token stands more than once" },
  PROXY_TOKEN_UNKNOWN: {
    state: "a masked token is of another run",
    hint: () => "The program has kept a token; tokens are new in each run",
  },
  PROXY_TOKEN_INVALID: {
    state: "a token was made by another server, or changed",
    hint: () => "Replicas share one KEYZERO_SERVER_KEY; without it each start makes a key of its own",
  },
  PROXY_TOKEN_EXPIRED: { state: "a token has expired", hint: () => "The program must resolve the resource again" },
  PROXY_TOKEN_REVOKED: { state: "a token was revoked" },
  PROXY_TOKEN_SUBJECT_MISMATCH: { state: "a token belongs to another caller than the proxy pass" },
  PROXY_TOKEN_RESOURCE_UNKNOWN: { state: "a token is for a resource that the bundle does not have" },
  PROXY_TOKEN_LIMIT: { state: "it holds too many tokens" },
  POLICY_TOKEN_TARGET_DENIED: {
    state: "a token's resource may not be used there",
    hint: () => "See hosts, methods and paths of the resource in the bundle",
  },
  PROXY_PASS_EXPIRED: {
    state: "the proxy pass has expired",
    hint: () => "The program must resolve a resource again, which gives it a new proxy URL",
  },
  PROXY_CALLER_LIMIT: { state: "its caller has too many requests on their way" },
  PROXY_STATE_UNAVAILABLE: { state: "the state of revocations cannot be read" },
  PROXY_AUDIT_UNAVAILABLE: { state: "the audit log cannot be written" },
  PROXY_SECRET_UNAVAILABLE: { state: "the value cannot be read from its backend" },
  PROXY_CLEAR_TEXT: {
    state: "a masked token was to go out in clear text",
    hint: ({ host }) =>
      `Use https; for a server on this machine, add [[blind.connections]] allow = true, host = "${host}"`,
  },
  PROXY_VALUE_UNSENDABLE: {
    state: "the secret's value cannot stand in a header",
    hint: ({ secret }) => `Look for line breaks and other control characters in the value of ${secret}`,
  },
  PROXY_BODY_ENCODED: { state: "the request body is encoded in a way that cannot be searched" },
  PROXY_AWS_SIGNATURE_MALFORMED: { state: "its AWS signature cannot be read, or stands more than once" },
  PROXY_AWS_SIGNATURE_INVALID: {
    state: "its AWS signature was not made with the masked secret key",
    hint: () => "The program signed with another secret key, or changed the request after it was signed",
  },
  PROXY_AWS_SCHEME_UNSUPPORTED: {
    state: "its AWS signature is of a kind that is not made anew",
    hint: () => "Multi-region access points (SigV4A) and signed event streams are not carried",
  },
  PROXY_AWS_BODY_TOO_LARGE: { state: "its body is too large to be signed anew" },
  PROXY_WEBSOCKET_INVALID: { state: "a WebSocket frame of the program breaks RFC 6455" },
  PROXY_RESPONSE_ENCODED: { state: "the host encoded its response although none was asked for" },
  PROXY_SERVER_MIXED: {
    state: "it holds a token of the server together with a secret that the server is not to see",
    hint: ({ secret }) => `Send ${secret} in a request of its own, or take it from the server in masked mode too`,
  },
  PROXY_SERVER_UNREACHABLE: { state: "the server's proxy cannot be reached" },
  PROXY_SERVER_REFUSED: {
    state: "the server's proxy does not open a tunnel to the host",
    hint: ({ host, detail }) =>
      detail === "it answers 407"
        ? "The pass may have expired: it is read anew"
        : `See whether a resource of the server's bundle has "${host}" in hosts`,
  },
  PROXY_SERVER_CERTIFICATE: { state: "the server's proxy shows a certificate that is not of the server's authority" },
  PROXY_CREDENTIALS_REQUIRED: {
    state: "the proxy credentials are missing or wrong",
    hint: () => "The program must use the user and password of HTTPS_PROXY; or another program tried to use the proxy",
  },
  PROXY_TUNNEL_NOT_TLS: { state: "only TLS is carried in a tunnel" },
  PROXY_CLIENT_HANDSHAKE: {
    state: "the program broke off TLS",
    hint: () => "It may not trust the run's certificate authority",
  },
  PROXY_PROTOCOL_UNSUPPORTED: {
    state: "the program speaks neither HTTP/1.1 nor HTTP/2 in TLS",
    hint: () =>
      "Let it use HTTP/1.1 or a REST interface of the service, or give this program its secret without --blind",
  },
  PROXY_UPSTREAM_UNREACHABLE: { state: "the host cannot be reached" },
  PROXY_UPSTREAM_CERTIFICATE: {
    state: "the host's certificate is not valid",
    hint: () => "For a private certificate authority, set [blind] upstream_ca",
  },
  PROXY_UPSTREAM_INVALID: { state: "the host's response is not passed on" },
  PROXY_TOO_MANY_CONNECTIONS: { state: "too many connections are open" },
  PROXY_OVERLOADED: { state: "too many large request bodies are held at this time" },
  PROXY_BODY_TOO_SLOW: { state: "the request body did not come in time" },
  HTTP_HEAD_TOO_LARGE: { state: "its head is larger than 64 KiB" },
  HTTP_HEAD_CUT_OFF: { state: "the program broke it off" },
  HTTP_BODY_CUT_OFF: { state: "the program broke it off" },
  HTTP_TRAILER_UNSUPPORTED: { state: "trailers are not carried" },
  HTTP_METHOD_REFUSED: { state: "this method is not carried" },
  HTTP_UPGRADE_REFUSED: { state: "of upgrades only a WebSocket handshake as of RFC 6455 is carried" },
  HTTP_EXPECTATION_UNKNOWN: { state: "of expectations only 100-continue is carried" },
  HTTP_HOST_MISMATCH: {
    state: "the program named another host inside of the connection than when it opened it",
    hint: () => "The name of the connection alone decides; see whether the program sets Host or SNI itself",
  },
  HTTP_RESPONSE_INVALID: { state: "the host's response breaks HTTP" },
};

/**
 * One refusal for the operator: a line, and a hint where there is something to change. Every part is parsed or ours.
 *
 * @param instead Words that count before those of a blind run.
 */
export function refusalText(
  code: RefusalCode,
  facts: RefusalFacts,
  instead: { readonly [code in RefusalCode]?: RefusalWords } = {},
): string {
  const known = instead[code] ?? TEXTS[code];
  const place = facts.host === undefined ? "" : facts.port === undefined ? facts.host : `${facts.host}:${facts.port}`;
  const subject = [facts.method, place].filter((part) => part !== undefined && part !== "").join(" ") || "a request";
  const part = facts.minted === undefined ? "" : `'s ${facts.minted}`;
  const secret = facts.secret === undefined ? "" : ` (secret ${facts.secret}${part})`;
  const state = known?.state ?? "it breaks HTTP";
  const detail = facts.detail === undefined ? "" : `; ${facts.detail}`;
  const hint = known?.hint?.(facts);
  return `kz: refused[${code}]: ${subject}${secret}: ${state}${detail}${
    hint === undefined ? "" : `\n    hint: ${hint}`
  }`;
}
