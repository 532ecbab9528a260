import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeLatin1 } from "../http/latin1.ts";
import { canonicalRequest, type PathRule, pathRule, type SignedMessage } from "./canonical_request.ts";
import { findSignedRequest } from "./signed_request.ts";
import { sha256Hex, SigningKey, stringToSign } from "./signing_key.ts";
import { EMPTY_HASH, field, keyTable, MASKED } from "./testing/signer.ts";
import suite from "./testdata/aws_signing_test_suite.json" with { type: "json" };
import { decodeUri, encodeUri } from "./uri.ts";

const SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

interface Vector {
  readonly name: string;
  readonly place: "header" | "query";
  readonly rule: PathRule;
  readonly request: string;
  readonly canonical: string;
  readonly stringToSign: string | undefined;
  readonly signature: string | undefined;
}

function vectors(): Vector[] {
  return suite.flatMap((entry) => {
    const twice = entry.name.startsWith("double-");
    const rule = { encodeTwice: twice, normalize: entry.normalize ?? true };
    const { name, header, query } = entry;
    const texts = ({ request, canonical, ...rest }: NonNullable<typeof header>) => ({
      request,
      canonical,
      stringToSign: rest.stringToSign?.trimEnd(),
      signature: rest.signature,
    });
    // Added to the URL after it was signed; no service that we know of wants that of a request it gets itself.
    const late = entry.omitSessionToken === true;
    return [
      ...(header === undefined ? [] : [{ name, rule, place: "header" as const, ...texts(header) }]),
      ...(query === undefined || late ? [] : [{ name, rule, place: "query" as const, ...texts(query) }]),
    ];
  });
}

/** Reads a request as the suite writes it: with folded lines and bytes that our parser refuses. */
function parse(text: string): SignedMessage {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  const [head = "", body = ""] = bytes.split("\n\n");
  const [line = "", ...lines] = head.replace(/\n[ \t]+/g, " ").trimEnd().split("\n");
  const fields = lines.map((entry) =>
    field(entry.slice(0, entry.indexOf(":")), entry.slice(entry.indexOf(":") + 1).trim())
  );
  const [, method = "", pathAndQuery = ""] = /^(\S+) (.+?)(?: HTTP\/1\.1)?$/.exec(line) ?? [];
  return { method, pathAndQuery, fields, payloadHash: sha256Hex(body) };
}

const { table } = keyTable();

Deno.test("the AWS signing test suite is whole", () => assert.equal(vectors().length, 77));

for (const { name, place, rule, request, ...expected } of vectors()) {
  // Its canonical request is of another date than its request; the suite's own tests set the date, too.
  const date = name === "double-encode-path" ? "20210511T154045Z" : undefined;
  Deno.test(`AWS signing test suite: ${name}, signed in the ${place}`, () => {
    const message = parse(request);
    const masked = parse(request.replace(/AKIDEXAMPLE|ANOTREAL/, MASKED.keyId));
    const signed = findSignedRequest(masked, table);
    assert.ok(signed !== undefined && signed.place === place);
    const fields = message.fields.map((each) => each.lower === "x-amz-date" && date ? { ...each, value: date } : each);
    const canonical = canonicalRequest({ ...message, fields }, signed.signedHeaders, rule);
    assert.equal(canonical, expected.canonical);
    const toSign = stringToSign(signed.timestamp, signed.scope, canonical);
    if (expected.stringToSign !== undefined) assert.equal(toSign, expected.stringToSign);
    using key = new SigningKey(encodeLatin1(SECRET_KEY), signed.scope);
    if (expected.signature !== undefined) {
      assert.equal(key.sign(toSign), expected.signature);
      assert.equal(signed.signature, expected.signature);
    }
  });
}

const PATHS: readonly [why: string, service: string, path: string, expected: string][] = [
  ["S3 keeps empty segments", "s3", "/a//b", "/a//b"],
  ["S3 keeps dot segments", "s3", "/a/../b/./c", "/a/../b/./c"],
  ["S3 escapes once", "s3", "/a%20b%2Fc", "/a%20b/c"],
  ["S3 escapes what the program did not", "s3", "/a(b)+c", "/a%28b%29%2Bc"],
  ["another service escapes twice", "lambda", "/a%3Ab", "/a%253Ab"],
  ["another service resolves segments", "lambda", "/a//b/../c/", "/a/c/"],
  ["another service does not climb out", "lambda", "/../../a", "/a"],
  ["S3 Express is like S3", "s3express", "/a//b", "/a//b"],
];
for (const [why, service, path, expected] of PATHS) {
  Deno.test(`canonicalRequest() of a path: ${why}`, () => {
    const message = { method: "GET", pathAndQuery: path, fields: [], payloadHash: EMPTY_HASH };
    assert.equal(canonicalRequest(message, [], pathRule(service)).split("\n")[1], expected);
  });
}

Deno.test("canonicalRequest() keeps the bytes of a value, also one that ends like white space", () => {
  const value = String.fromCharCode(...new TextEncoder().encode("voil\u00e0"));
  const message = { method: "GET", pathAndQuery: "/", fields: [field("X-A", value)], payloadHash: EMPTY_HASH };
  assert.equal(canonicalRequest(message, ["x-a"], pathRule("s3")).split("\n")[3], `x-a:${value}`);
});

Deno.test("canonicalRequest() makes one space of many, and none at the ends", () => {
  const message = { method: "GET", pathAndQuery: "/", fields: [field("X-A", " a \t b\t")], payloadHash: EMPTY_HASH };
  assert.equal(canonicalRequest(message, ["x-a"], pathRule("s3")).split("\n")[3], "x-a:a b");
});

Deno.test("canonicalRequest() does not depend on the order of parameters, nor on how they are escaped", () => {
  const parameter = fc.tuple(fc.string({ unit: "binary-ascii", minLength: 1 }), fc.string({ unit: "binary-ascii" }));
  fc.assert(fc.property(
    fc.array(parameter, { maxLength: 8 }),
    fc.infiniteStream(fc.boolean()),
    fc.nat(),
    (parameters, coins, turn) => {
      const canonical = (list: readonly string[]) =>
        canonicalRequest(
          { method: "GET", pathAndQuery: `/?${list.join("&")}`, fields: [], payloadHash: EMPTY_HASH },
          [],
          pathRule("sts"),
        );
      const plain = parameters.filter(([name]) => name !== "X-Amz-Signature");
      const strict = plain.map(([name, value]) => `${encodeUri(name)}=${encodeUri(value)}`);
      const loose = strict.map((text) =>
        text.replace(/%[0-9A-F]{2}/g, (escape) => coins.next().value ? escape : escape.toLowerCase())
      );
      const at = turn % (loose.length + 1);
      assert.equal(canonical([...loose.slice(at), ...loose.slice(0, at)]), canonical(strict));
    },
  ));
});

Deno.test("decodeUri() undoes encodeUri() for every byte", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    const text = String.fromCharCode(...bytes);
    assert.equal(decodeUri(encodeUri(text)), text);
    assert.match(encodeUri(text), /^[A-Za-z0-9\-._~%]*$/);
  }));
});
