import assert from "node:assert/strict";
import { parseHost } from "./host.ts";
import { isPublicSuffix } from "./public_suffix.ts";

const TABLE: [host: string, expected: boolean][] = [
  ["co.uk", true],
  ["com.au", true],
  ["github.io", true],
  ["s3.amazonaws.com", true],
  ["xn--p1ai", true],
  ["github.com", false],
  ["bbc.co.uk", false],
  ["acme.github.io", false],
  ["corp.internal", false],
  ["vault.corp.internal", false],
];
for (const [host, expected] of TABLE) {
  Deno.test(`TM-13 isPublicSuffix() is ${expected} for ${host}`, () => {
    assert.equal(isPublicSuffix(parseHost(host)), expected);
  });
}
