import type { RefusalCode, RefusalFacts } from "../../../proxy/refusal.ts";
import { refusalText, type RefusalWords } from "../../blind/refusal_text.ts";

/** Where the operator of a server has something else to change than that of a blind run: the bundle. */
const WORDS: { readonly [code in RefusalCode]?: RefusalWords } = {
  POLICY_HOST_DENIED: {
    state: "no resource may go to this host",
    hint: ({ host }) => `Add "${host}" to hosts of a resource if it may`,
  },
  POLICY_REQUEST_DENIED: {
    state: "no resource may be used with this method and path",
    hint: () => "See methods, paths and the path prefixes in hosts of the resources",
  },
  POLICY_ADDRESS_DENIED: {
    state: "the host's address is loopback, private or special",
    hint: ({ host }) => `Name "${host}" itself in hosts of the resource, which allows its private addresses too`,
  },
  POLICY_VALUE_OUTGOING: {
    state: "the request holds a real value",
    hint: () => "Find out where the caller learnt it, and renew it; or the value is a common word",
  },
  PROXY_TOKEN_MISPLACED: {
    state: "a token stands where it is not replaced",
    hint: () => "See credential_location of the resource",
  },
  PROXY_CLEAR_TEXT: { state: "it was to go out in clear text", hint: () => "The caller must use https" },
  PROXY_VALUE_UNSENDABLE: {
    state: "the value cannot stand in its place",
    hint: () => "A value has at least 8 bytes, and no line breaks or other control characters",
  },
  PROXY_CREDENTIALS_REQUIRED: {
    state: "the proxy pass is missing or wrong",
    hint: () => "The caller must use the whole proxy URL that resolve gives, with user and password",
  },
  PROXY_CLIENT_HANDSHAKE: {
    state: "the caller broke off TLS",
    hint: () => "It may not trust the proxy's authority, which GET /v1/ca.pem gives",
  },
  PROXY_PROTOCOL_UNSUPPORTED: {
    state: "the caller speaks neither HTTP/1.1 nor HTTP/2 in TLS",
    hint: () => "Let it use HTTP/1.1, or a REST interface of the service",
  },
  PROXY_UPSTREAM_CERTIFICATE: {
    state: "the host's certificate is not valid",
    hint: () => "For a private certificate authority, set network.upstream_ca in the bundle",
  },
};

/** One refusal of a server's proxy, as `refusalText()` has it. */
export function serverRefusalText(code: RefusalCode, facts: RefusalFacts): string {
  return refusalText(code, facts, WORDS);
}
