import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePlacement } from "../../policy/placement.ts";
import type { Field } from "../http/fields.ts";
import { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import type { SwapContext } from "../swap/grant.ts";
import { TokenTable } from "../token_table.ts";
import { canonicalRequest, pathRule, type SignedMessage } from "./canonical_request.ts";
import { scopeText } from "./credential_scope.ts";
import { requireCredentials } from "./credentials.ts";
import { resign, type ResignInput } from "./resign.ts";
import { findSignedRequest } from "./signed_request.ts";
import { SigningKey, stringToSign } from "./signing_key.ts";
import {
  authorize,
  EMPTY_HASH,
  field,
  grantOf,
  HOST,
  hostGrants,
  keyTable,
  MASKED,
  REAL,
  SCOPE,
  TIMESTAMP,
} from "./testing/signer.ts";
import { encodeUri } from "./uri.ts";
import { encodeLatin1 } from "../http/latin1.ts";

interface Hosts {
  readonly keyId?: readonly string[];
  readonly secretKey?: readonly string[];
  readonly sessionToken?: readonly string[];
}

function contextOf(hosts: Hosts = {}, trusted = true): SwapContext {
  const grants = (["keyId", "secretKey", "sessionToken"] as const).map((part) =>
    grantOf(part, hosts[part] === undefined ? undefined : hostGrants(hosts[part]))
  );
  return {
    destination: { host: HOST, port: 443, path: "/", trusted, defaultPort: 443 },
    tokens: new TokenTable(grants),
    encoded: new ScrubPlan([]),
    used: new Set(),
  };
}

const DATE = field("X-Amz-Date", TIMESTAMP);

/** A request as a program with the masked keys would make it. */
function request(
  { fields = [], headers = ["host", "x-amz-date"], secretKey = MASKED.secretKey, target = "/" }: {
    fields?: readonly Field[];
    headers?: readonly string[];
    secretKey?: string;
    target?: string;
  } = {},
): SignedMessage {
  const message = {
    method: "GET",
    pathAndQuery: target,
    fields: [field("Host", "api.test"), DATE, ...fields],
    payloadHash: EMPTY_HASH,
  };
  const authorization = authorize(message, { keyId: MASKED.keyId, secretKey, headers });
  return { ...message, fields: [...message.fields, field("Authorization", authorization)] };
}

function resigned(received: SignedMessage, outgoing?: Partial<ResignInput["outgoing"]>) {
  const signed = findSignedRequest(received, keyTable().table);
  assert.ok(signed !== undefined);
  const message = { ...received, fields: signed.fields, pathAndQuery: signed.pathAndQuery, ...outgoing };
  const result = resign(signed, { received, outgoing: message }, requireCredentials(signed, contextOf()));
  return { signed, result, sent: { ...message, fields: [...message.fields, ...result.fields] } };
}

/** The signature that a host computes, which knows the real secret key. */
function expectedSignature(message: SignedMessage, headers: readonly string[]): string {
  using key = new SigningKey(encodeLatin1(REAL.secretKey), SCOPE);
  return key.sign(stringToSign(TIMESTAMP, SCOPE, canonicalRequest(message, headers, pathRule(SCOPE.service))));
}

Deno.test("resign() signs with the real key what was signed with the masked one", () => {
  const { sent, result } = resigned(request());
  const authorization = sent.fields.find(({ lower }) => lower === "authorization")!.value;
  assert.equal(
    authorization,
    `AWS4-HMAC-SHA256 Credential=${REAL.keyId}/${scopeText(SCOPE)}, SignedHeaders=host;x-amz-date, ` +
      `Signature=${expectedSignature(sent, ["host", "x-amz-date"])}`,
  );
  assert.ok(!JSON.stringify(result).includes("kz_masked") && !JSON.stringify(result).includes(REAL.secretKey));
});

Deno.test("resign() carries the session token, and signs it where the program did", () => {
  const headers = ["host", "x-amz-date", "x-amz-security-token"];
  const { sent } = resigned(request({ fields: [field("X-Amz-Security-Token", MASKED.sessionToken)], headers }));
  const values = (name: string) => sent.fields.filter(({ lower }) => lower === name).map(({ value }) => value);
  assert.deepEqual(values("x-amz-security-token"), [REAL.sessionToken]);
  assert.ok(values("authorization")[0]!.endsWith(`Signature=${expectedSignature(sent, headers)}`));
});

Deno.test("resign() signs what goes out: changed fields as they are, dropped ones no more", () => {
  const headers = ["accept-encoding", "content-length", "host", "te", "x-amz-date"];
  const received = request({ fields: [field("Accept-Encoding", "gzip"), field("TE", "trailers")], headers });
  const outgoing = [field("Host", "api.test"), field("Accept-Encoding", "identity"), DATE];
  const { sent, result } = resigned(received, { fields: outgoing });
  const left = ["accept-encoding", "host", "x-amz-date"];
  assert.ok(result.fields[0]!.value.includes(`SignedHeaders=${left.join(";")}, `));
  assert.equal(result.signature, expectedSignature(sent, left));
});

Deno.test("resign() of a presigned URL", () => {
  const query = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeUri(`${MASKED.keyId}/${scopeText(SCOPE)}`)}`,
    `X-Amz-Date=${TIMESTAMP}`,
    "X-Amz-Expires=60",
    `X-Amz-Security-Token=${MASKED.sessionToken}`,
    "X-Amz-SignedHeaders=host",
  ].join("&");
  const message = {
    method: "GET",
    pathAndQuery: `/?Action=x&${query}`,
    fields: [field("Host", "api.test")],
    payloadHash: EMPTY_HASH,
  };
  const made = authorize(message, { keyId: MASKED.keyId, secretKey: MASKED.secretKey, headers: ["host"] });
  const signature = made.split("Signature=")[1]!;
  const { result } = resigned({ ...message, pathAndQuery: `${message.pathAndQuery}&X-Amz-Signature=${signature}` });
  const parameters = new URL(`https://api.test${result.pathAndQuery}`).searchParams;
  assert.equal(parameters.get("X-Amz-Credential"), `${REAL.keyId}/${scopeText(SCOPE)}`);
  assert.equal(parameters.get("X-Amz-Security-Token"), REAL.sessionToken);
  assert.equal(parameters.get("Action"), "x");
  assert.equal(
    parameters.get("X-Amz-Signature"),
    expectedSignature({ ...message, pathAndQuery: result.pathAndQuery }, ["host"]),
  );
  assert.ok(!result.pathAndQuery.includes("kz_masked"));
});

const TAMPERED: readonly [why: string, change: (message: SignedMessage) => SignedMessage][] = [
  ["another method", (message) => ({ ...message, method: "DELETE" })],
  ["another path", (message) => ({ ...message, pathAndQuery: "/other" })],
  ["a parameter more", (message) => ({ ...message, pathAndQuery: "/?a=1" })],
  ["another body", (message) => ({ ...message, payloadHash: "0".repeat(64) })],
  ["another signed field", (message) => ({
    ...message,
    fields: message.fields.map((each) => each.lower === "host" ? { ...each, value: "other.test" } : each),
  })],
  ["a second value of a signed field", (message) => ({ ...message, fields: [...message.fields, field("Host", "x")] })],
];
for (const [why, change] of TAMPERED) {
  Deno.test(`resign() refuses a request that was changed after it was signed: ${why}`, () => {
    assert.throws(() => resigned(change(request())), (error) => isRefusal(error, "PROXY_AWS_SIGNATURE_INVALID"));
  });
}

Deno.test("resign() refuses the key id with a secret key that the program has of its own", () => {
  const made = request({ secretKey: "the program's own" });
  assert.throws(() => resigned(made), (error) => isRefusal(error, "PROXY_AWS_SIGNATURE_INVALID"));
});

const BOUND: readonly [why: string, hosts: Hosts, code: string | undefined, secret?: string][] = [
  ["bound to this host, all of them", {
    keyId: ["api.test"],
    secretKey: ["other.test", "api.test"],
    sessionToken: ["api.test"],
  }, undefined],
  ["the key id bound to another host", { keyId: ["other.test"] }, "POLICY_SECRET_HOST_DENIED", "AWS_ACCESS_KEY_ID"],
  [
    "the secret key bound to another host",
    { secretKey: ["other.test"] },
    "POLICY_SECRET_HOST_DENIED",
    "AWS_SECRET_ACCESS_KEY",
  ],
  [
    "the session token bound to another host",
    { sessionToken: ["other.test"] },
    "POLICY_SECRET_HOST_DENIED",
    "AWS_SESSION_TOKEN",
  ],
  ["the secret key bound to no host", { secretKey: [] }, "POLICY_SECRET_HOST_DENIED", "AWS_SECRET_ACCESS_KEY"],
];
for (const [why, hosts, code, secret] of BOUND) {
  Deno.test(`TM-15 requireCredentials() with ${why}`, () => {
    const received = request({ fields: [field("X-Amz-Security-Token", MASKED.sessionToken)] });
    const signed = findSignedRequest(received, keyTable().table)!;
    const require = () => requireCredentials(signed, contextOf(hosts));
    if (code === undefined) assert.doesNotThrow(require);
    else assert.throws(require, (error) => isRefusal(error, code) && error.facts.secret === secret);
  });
}

Deno.test("TM-10 requireCredentials() refuses clear text", () => {
  const signed = findSignedRequest(request(), keyTable().table)!;
  assert.throws(
    () => requireCredentials(signed, contextOf({}, false)),
    (error) => isRefusal(error, "PROXY_CLEAR_TEXT"),
  );
});

const PLACES: readonly [places: string, allowed: boolean][] = [
  ["header:Authorization", true],
  ["header:X-Api-Key", false],
  ["query", false],
];
for (const [places, allowed] of PLACES) {
  Deno.test(`requireCredentials() ${allowed ? "allows" : "refuses"} a signature in a header where "in" is ${places}`, () => {
    const { table } = keyTable({ in: [parsePlacement(places)] });
    const require = () => requireCredentials(findSignedRequest(request(), table)!, contextOf());
    if (allowed) assert.doesNotThrow(require);
    else assert.throws(require, (error) => isRefusal(error, "PROXY_TOKEN_MISPLACED"));
  });
}

Deno.test("resign() accepts what was signed with the masked key, and agrees with a host that knows the real one", () => {
  const name = fc.stringMatching(/^x-[a-z0-9-]{1,12}$/);
  const value = fc.string({ unit: "grapheme-ascii", maxLength: 20 }).map((text) => text.trim());
  const segment = fc.stringMatching(/^[A-Za-z0-9%~.+:@-]{0,8}$/);
  fc.assert(fc.property(
    fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 6 }),
    fc.array(segment, { maxLength: 4 }),
    fc.array(fc.tuple(segment, segment), { maxLength: 4 }),
    (pairs, path, query) => {
      const fields = pairs.map(([key, text]) => field(key, text));
      const headers = [...new Set(["host", "x-amz-date", ...pairs.map(([key]) => key)])].sort();
      const target = `/${path.join("/")}?${query.map(([key, text]) => `k${key}=${text}`).join("&")}`;
      const { sent, result } = resigned(request({ fields, headers, target }));
      assert.equal(result.signature, expectedSignature(sent, headers));
    },
  ));
});

function isRefusal(error: unknown, code: string): error is Refusal {
  assert.ok(error instanceof Refusal);
  assert.equal(error.code, code);
  assert.ok(error.facts.secret !== undefined);
  return true;
}
