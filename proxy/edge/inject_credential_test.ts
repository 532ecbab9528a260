import assert from "node:assert/strict";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { Secret } from "../../policy/secret.ts";
import { parseCredentialLocation } from "../../policy/server/credential_location.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import { injectCredential } from "./inject_credential.ts";
import { isDenial } from "./testing/fetch_lab.ts";

function inject(location: string, value: string, pathAndQuery = "/a") {
  using secret = new Secret(parseSecretRef("a"), utf8(value));
  const { fields, ...rest } = injectCredential({ pathAndQuery, fields: [] }, parseCredentialLocation(location), secret);
  return { ...rest, fields: fields.map(({ name, value }) => `${name}: ${value}`) };
}

const HEADERS: readonly (readonly [why: string, location: string, value: string, field: string])[] = [
  ["after a scheme", "header:Authorization:Bearer", CANARY, `Authorization: Bearer ${CANARY}`],
  ["after another scheme", "header:Authorization:token", CANARY, `Authorization: token ${CANARY}`],
  ["alone", "header:X-Api-Key:", CANARY, `X-Api-Key: ${CANARY}`],
  ["as a password", "basic:git", "pass word:1", `Authorization: Basic ${btoa("git:pass word:1")}`],
  ["beyond ASCII, byte for byte", "header:X-Api-Key:", "p\u00e4ssword", "X-Api-Key: p\u00c3\u00a4ssword"],
  [
    "as a password beyond ASCII, as UTF-8",
    "basic:j\u00f6rg",
    "\u65e5\u672c\u8a9e",
    `Authorization: Basic ${utf8("j\u00f6rg:\u65e5\u672c\u8a9e").toBase64()}`,
  ],
];
for (const [why, location, value, field] of HEADERS) {
  Deno.test(`injectCredential() puts a value into a header ${why} [S-5.5]`, () => {
    const request = inject(location, value);
    assert.deepEqual(request, { pathAndQuery: "/a", fields: [field] });
    assert.ok(encodeLatin1(field));
  });
}

const QUERIES: readonly (readonly [before: string, after: string])[] = [
  ["/a", "/a?key=a%26b%3D%2Bc%20%2F%C3%A4"],
  ["/a?", "/a?key=a%26b%3D%2Bc%20%2F%C3%A4"],
  ["/a?b=c", "/a?b=c&key=a%26b%3D%2Bc%20%2F%C3%A4"],
  ["/a?b=c&", "/a?b=c&key=a%26b%3D%2Bc%20%2F%C3%A4"],
];
for (const [before, after] of QUERIES) {
  Deno.test(`injectCredential() adds a parameter to ${before}, in escapes`, () => {
    assert.deepEqual(inject("query:key", "a&b=+c /\u00e4", before), { pathAndQuery: after, fields: [] });
    assert.equal(new URL(after, "https://api.test").searchParams.get("key"), "a&b=+c /\u00e4");
  });
}

const UNUSABLE: readonly (readonly [why: string, value: string])[] = [
  ["a line feed at its end", `${CANARY}\n`],
  ["a header of its own", `${CANARY}\r\nX-Evil: 1`],
  ["a carriage return", `a\r${CANARY}`],
  ["a NUL", `${CANARY}\0`],
  ["an escape", `\x1b${CANARY}`],
  ["DEL", `${CANARY}\x7f`],
  ["seven bytes", "1234567"],
  ["no bytes", ""],
];
for (const [why, value] of UNUSABLE) {
  for (const location of ["header:X-Api-Key:", "header:Authorization:Bearer", "basic:git", "query:key"]) {
    Deno.test(`TM-22 injectCredential() puts no value with ${why} into ${location}`, () => {
      assert.throws(() => inject(location, value), (error) => {
        assert.ok(isDenial("SECRET_UNUSABLE", /./)(error));
        assert.ok(!Deno.inspect(error).includes(CANARY));
        return true;
      });
    });
  }
}

Deno.test("injectCredential() takes a value of eight bytes", () => {
  assert.deepEqual(inject("header:X-Api-Key:", "12345678").fields, ["X-Api-Key: 12345678"]);
});
