import assert from "node:assert/strict";
import { parseHost } from "../../../policy/host.ts";
import type { RefusalCode } from "../../../proxy/refusal.ts";
import { serverRefusalText } from "./refusal_words.ts";

/** What a server's proxy refuses by itself. */
const CODES: RefusalCode[] = [
  "POLICY_HOST_DENIED",
  "POLICY_REQUEST_DENIED",
  "POLICY_ADDRESS_DENIED",
  "POLICY_VALUE_OUTGOING",
  "POLICY_TOKEN_TARGET_DENIED",
  "PROXY_CREDENTIALS_REQUIRED",
  "PROXY_PASS_EXPIRED",
  "PROXY_TOKEN_MISPLACED",
  "PROXY_TOKEN_REPEATED",
  "PROXY_TOKEN_INVALID",
  "PROXY_TOKEN_EXPIRED",
  "PROXY_TOKEN_REVOKED",
  "PROXY_TOKEN_SUBJECT_MISMATCH",
  "PROXY_TOKEN_RESOURCE_UNKNOWN",
  "PROXY_TOKEN_LIMIT",
  "PROXY_CALLER_LIMIT",
  "PROXY_STATE_UNAVAILABLE",
  "PROXY_AUDIT_UNAVAILABLE",
  "PROXY_SECRET_UNAVAILABLE",
  "PROXY_VALUE_UNSENDABLE",
  "PROXY_CLEAR_TEXT",
  "PROXY_CLIENT_HANDSHAKE",
  "PROXY_PROTOCOL_UNSUPPORTED",
  "PROXY_UPSTREAM_UNREACHABLE",
  "PROXY_UPSTREAM_CERTIFICATE",
];
for (const code of CODES) {
  Deno.test(`serverRefusalText() says of ${code} nothing that only a blind run has`, () => {
    const text = serverRefusalText(code, { host: parseHost("api.example.com"), port: 443 });
    assert.match(text, new RegExp(`^kz: refused\\[${code}\\]: api\\.example\\.com:443: `));
    assert.doesNotMatch(text, /blind|connection rule|undefined|"in"|this run|the run's/);
  });
}
