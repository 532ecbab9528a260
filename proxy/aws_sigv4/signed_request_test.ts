import assert from "node:assert/strict";
import fc from "fast-check";
import { Refusal } from "../refusal.ts";
import { findSignedRequest, type ReceivedRequest } from "./signed_request.ts";
import { field, keyTable, MASKED, TIMESTAMP } from "./testing/signer.ts";
import { encodeUri } from "./uri.ts";

const { table } = keyTable();
const CREDENTIAL = `${MASKED.keyId}/20261123/eu-central-1/s3/aws4_request`;
const SIGNATURE = "0".repeat(64);
const HEADERS = "host;x-amz-date";

interface Parts {
  readonly algorithm?: string;
  readonly credential?: string;
  readonly headers?: string;
  readonly signature?: string;
  readonly date?: string;
}

function inHeader(parts: Parts = {}, extra: readonly [name: string, value: string][] = [], target = "/key") {
  const { algorithm = "AWS4-HMAC-SHA256", credential = CREDENTIAL, headers = HEADERS, signature = SIGNATURE } = parts;
  const value = `${algorithm} Credential=${credential}, SignedHeaders=${headers}, Signature=${signature}`;
  return {
    pathAndQuery: target,
    fields: [field("Authorization", value), field("X-Amz-Date", parts.date ?? TIMESTAMP)].concat(
      extra.map(([name, text]) => field(name, text)),
    ),
  };
}

function inQuery(parts: Parts = {}, more = ""): ReceivedRequest {
  const { algorithm = "AWS4-HMAC-SHA256", credential = CREDENTIAL, headers = "host", signature = SIGNATURE } = parts;
  const query = [
    `X-Amz-Algorithm=${algorithm}`,
    `X-Amz-Credential=${encodeUri(credential)}`,
    `X-Amz-Date=${parts.date ?? TIMESTAMP}`,
    "X-Amz-Expires=60",
    `X-Amz-SignedHeaders=${encodeUri(headers)}`,
    `X-Amz-Signature=${signature}`,
  ];
  return { pathAndQuery: `/key?x=1&${query.join("&")}${more}`, fields: [] };
}

const FOUND: readonly [why: string, request: ReceivedRequest, payload: unknown][] = [
  ["a signature in Authorization", inHeader(), { kind: "body" }],
  ["a list without spaces", {
    ...inHeader(),
    fields: inHeader().fields.map((each) => ({ ...each, value: each.value.replaceAll(", ", ",") })),
  }, { kind: "body" }],
  ["a presigned URL of an object", inQuery(), { kind: "named", hash: "UNSIGNED-PAYLOAD" }],
  ["a presigned URL of another service", inQuery({ credential: CREDENTIAL.replace("/s3/", "/sts/") }), {
    kind: "body",
  }],
  ["an unsigned payload", inHeader({}, [["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]]), {
    kind: "named",
    hash: "UNSIGNED-PAYLOAD",
  }],
  ["a hashed payload", inHeader({}, [["x-amz-content-sha256", "ab".repeat(32)]]), {
    kind: "named",
    hash: "ab".repeat(32),
  }],
  ["signed chunks", inHeader({}, [["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]]), {
    kind: "chunks",
    hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    signed: true,
    trailer: false,
  }],
  ["unsigned chunks", inHeader({}, [["x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]]), {
    kind: "chunks",
    hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    signed: false,
    trailer: true,
  }],
];
for (const [why, request, payload] of FOUND) {
  Deno.test(`findSignedRequest() reads ${why}`, () => {
    const signed = findSignedRequest(request, table);
    assert.ok(signed !== undefined);
    assert.equal(signed.timestamp, TIMESTAMP);
    assert.equal(signed.signature, SIGNATURE);
    assert.deepEqual(signed.payload, payload);
    // Whatever is searched and swapped afterwards holds nothing of the signer's.
    assert.ok(!JSON.stringify([signed.fields, signed.pathAndQuery]).includes(MASKED.keyId));
  });
}

Deno.test("findSignedRequest() takes the session token out, in both places, and no other value", () => {
  const header = findSignedRequest(inHeader({}, [["X-Amz-Security-Token", MASKED.sessionToken]]), table);
  assert.ok(header?.withSession && !header.fields.some(({ lower }) => lower === "x-amz-security-token"));
  const query = findSignedRequest(inQuery({}, `&X-Amz-Security-Token=${MASKED.sessionToken}`), table);
  assert.ok(query?.withSession && !query.pathAndQuery.includes("Security"));
  const other = findSignedRequest(inHeader({}, [["X-Amz-Security-Token", "its own"]]), table);
  assert.ok(other !== undefined && !other.withSession);
  assert.ok(other.fields.some(({ lower }) => lower === "x-amz-security-token"));
});

const PASSED: readonly [why: string, request: ReceivedRequest][] = [
  ["no signature", { pathAndQuery: "/", fields: [] }],
  ["a signature with another key", inHeader({ credential: CREDENTIAL.replace(MASKED.keyId, "AKIAOTHER") })],
  ["a presigned URL with another key", inQuery({ credential: CREDENTIAL.replace(MASKED.keyId, "AKIAOTHER") })],
  ["a key id that only begins like a token", inHeader({ credential: CREDENTIAL.replace("/2026", "0/2026") })],
  ["another scheme", { pathAndQuery: "/", fields: [field("Authorization", `Bearer ${MASKED.keyId}`)] }],
  ["the scheme in lower case", inHeader({ algorithm: "aws4-hmac-sha256" })],
  ["names of a query in lower case", {
    pathAndQuery: inQuery().pathAndQuery.replaceAll("X-Amz", "x-amz"),
    fields: [],
  }],
];
for (const [why, request] of PASSED) {
  // The token that stands in these, if one does, is refused where it is swapped.
  Deno.test(`findSignedRequest() does not take for its own: ${why}`, () => {
    assert.equal(findSignedRequest(request, table), undefined);
  });
}

const MALFORMED = "PROXY_AWS_SIGNATURE_MALFORMED";
const UNSUPPORTED = "PROXY_AWS_SCHEME_UNSUPPORTED";
const REFUSED: readonly [why: string, request: ReceivedRequest, code: string][] = [
  [
    "SigV4A in a header",
    inHeader({
      algorithm: "AWS4-ECDSA-P256-SHA256",
      credential: CREDENTIAL.replace("/eu-central-1", ""),
    }),
    UNSUPPORTED,
  ],
  ["SigV4A in a query", inQuery({ algorithm: "AWS4-ECDSA-P256-SHA256" }), UNSUPPORTED],
  ["a signed event stream", inHeader({}, [["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"]]), UNSUPPORTED],
  ["SigV4A chunks", inHeader({}, [["x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"]]), UNSUPPORTED],
  ["a hash in upper case", inHeader({}, [["x-amz-content-sha256", "AB".repeat(32)]]), UNSUPPORTED],
  ["a header that is not signed: the host", inHeader({ headers: "x-amz-date" }), MALFORMED],
  ["a host that is not signed in a URL", inQuery({ headers: "x-amz-date" }), MALFORMED],
  ["signed headers out of order", inHeader({ headers: "x-amz-date;host" }), MALFORMED],
  ["a signed header named twice", inHeader({ headers: "host;host;x-amz-date" }), MALFORMED],
  ["a signed header in upper case", inHeader({ headers: "Host;x-amz-date" }), MALFORMED],
  ["a signature in upper case", inHeader({ signature: "A".repeat(64) }), MALFORMED],
  ["a short signature", inHeader({ signature: "0".repeat(63) }), MALFORMED],
  ["a date of another day than the scope's", inHeader({ date: "20261124T000000Z" }), MALFORMED],
  ["a date in another form", inHeader({ date: "Mon, 23 Nov 2026 10:11:12 GMT" }), MALFORMED],
  ["no date", { ...inHeader(), fields: inHeader().fields.slice(0, 1) }, MALFORMED],
  ["two dates", inHeader({}, [["x-amz-date", TIMESTAMP]]), MALFORMED],
  ["two Authorization fields", inHeader({}, [["authorization", "Bearer x"]]), MALFORMED],
  [
    "two payload hashes",
    inHeader({}, [
      ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
      ["X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"],
    ]),
    MALFORMED,
  ],
  [
    "two session tokens",
    inHeader({}, [
      ["x-amz-security-token", MASKED.sessionToken],
      ["x-amz-security-token", "other"],
    ]),
    MALFORMED,
  ],
  ["a credential without its end", inHeader({ credential: `${MASKED.keyId}/20261123/eu-central-1/s3` }), MALFORMED],
  ["a credential with a part too many", inHeader({ credential: CREDENTIAL.replace("/s3/", "/s3/x/") }), MALFORMED],
  ["a list with an unknown part", inHeader({ signature: `${SIGNATURE}, Extra=1` }), MALFORMED],
  ["a list with a part twice", inHeader({ signature: `${SIGNATURE}, Signature=${SIGNATURE}` }), MALFORMED],
  ["a signature in both places", {
    pathAndQuery: inQuery().pathAndQuery,
    fields: inHeader().fields,
  }, MALFORMED],
  ["a signed URL with another Authorization", {
    pathAndQuery: inQuery().pathAndQuery,
    fields: [field("Authorization", "Bearer x")],
  }, MALFORMED],
  [
    "a signature in Authorization and one with another key in the query",
    inHeader(
      {},
      [],
      inQuery({ credential: CREDENTIAL.replace(MASKED.keyId, "AKIAOTHER") }).pathAndQuery,
    ),
    MALFORMED,
  ],
  ["a parameter twice", inQuery({}, "&X-Amz-Expires=604800"), MALFORMED],
  ["a parameter twice, once escaped", inQuery({}, "&X-Amz%2DExpires=604800"), MALFORMED],
  ["a parameter twice, once in lower case", inQuery({}, "&x-amz-expires=604800"), MALFORMED],
  ["a credential twice", inQuery({}, `&X-Amz-Credential=${encodeUri(CREDENTIAL)}`), MALFORMED],
  ["a presigned URL without an algorithm", inQuery({ algorithm: "" }), UNSUPPORTED],
];
for (const [why, request, code] of REFUSED) {
  Deno.test(`findSignedRequest() refuses ${why}`, () => {
    assert.throws(() => findSignedRequest(request, table), (error) => {
      assert.ok(error instanceof Refusal);
      assert.equal(error.code, code);
      // To the operator the secret's name, to the program nothing.
      assert.equal(error.facts.secret, "AWS_ACCESS_KEY_ID");
      assert.ok(!error.body().includes("AWS_ACCESS_KEY_ID") && !error.body().includes(MASKED.keyId));
      return true;
    });
  });
}

Deno.test("findSignedRequest() reads or refuses any text around a masked key id, and leaves none of its own in it", () => {
  const word = fc.constantFrom(
    "AWS4-HMAC-SHA256 ",
    "Credential=",
    `${MASKED.keyId}`,
    CREDENTIAL,
    ", ",
    ",",
    "SignedHeaders=host",
    `Signature=${SIGNATURE}`,
    "X-Amz-Credential=",
    "&",
    "%2F",
    "/",
    "=",
    " ",
  );
  const text = fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (authorization, query) => {
      const request = {
        pathAndQuery: `/?${query}`,
        fields: [field("Authorization", authorization), field("X-Amz-Date", TIMESTAMP)],
      };
      try {
        const signed = findSignedRequest(request, table);
        if (signed !== undefined) assert.ok(!JSON.stringify(signed.fields).includes(MASKED.keyId));
      } catch (error) {
        assert.ok(error instanceof Refusal);
      }
    }),
    { numRuns: 2000 },
  );
});
