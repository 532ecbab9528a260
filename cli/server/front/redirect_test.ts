import assert from "node:assert/strict";
import { parseFetchUrl } from "../../../policy/server/fetch_url.ts";
import { redirectOf } from "./redirect.ts";

const FROM = parseFetchUrl("https://api.example.com/a/b?c=1");

function redirect(status: number, location: string | undefined, method = "GET"): string {
  const headers = location === undefined ? [] : [["location", location]] as const;
  const outcome = redirectOf({ status, headers, body: new Uint8Array(), truncated: false }, FROM, method);
  if (outcome.kind !== "follow") return outcome.kind;
  return `${outcome.method} ${outcome.url.href}${outcome.keepsBody ? " with its body" : ""}`;
}

const WHERE: [why: string, location: string | undefined, expected: string][] = [
  ["a path", "/d", "GET https://api.example.com/d with its body"],
  ["a relative path", "d", "GET https://api.example.com/a/d with its body"],
  ["the same host in full", "https://api.example.com/d", "GET https://api.example.com/d with its body"],
  ["the same host with its port", "https://api.example.com:443/d", "GET https://api.example.com/d with its body"],
  ["a fragment", "/d#e", "GET https://api.example.com/d with its body"],
  ["no location", undefined, "none"],
  ["another host", "https://evil.example/d", "elsewhere"],
  ["another host without a scheme", "//evil.example/d", "elsewhere"],
  ["a host above", "https://example.com/d", "elsewhere"],
  ["a host below", "https://x.api.example.com/d", "elsewhere"],
  ["another port", "https://api.example.com:8443/d", "elsewhere"],
  ["clear text", "http://api.example.com/d", "elsewhere"],
  ["user information", "https://a:b@api.example.com/d", "elsewhere"],
  ["another scheme", "file:///etc/passwd", "elsewhere"],
  ["what is no URL", "https://[", "elsewhere"],
];
for (const [why, location, expected] of WHERE) {
  Deno.test(`TM-11 redirectOf() goes along with the same origin alone: ${why}`, () => {
    assert.equal(redirect(307, location), expected);
  });
}

const HOW: [status: number, method: string, expected: string][] = [
  [301, "POST", "GET https://api.example.com/d"],
  [302, "POST", "GET https://api.example.com/d"],
  [303, "PUT", "GET https://api.example.com/d"],
  [303, "HEAD", "HEAD https://api.example.com/d with its body"],
  [307, "POST", "POST https://api.example.com/d with its body"],
  [308, "DELETE", "DELETE https://api.example.com/d with its body"],
  [301, "DELETE", "DELETE https://api.example.com/d with its body"],
  [300, "GET", "none"],
  [304, "GET", "none"],
  [200, "GET", "none"],
];
for (const [status, method, expected] of HOW) {
  Deno.test(`redirectOf() reads ${status} of ${method} as RFC 9110 has it`, () => {
    assert.equal(redirect(status, "/d", method), expected);
  });
}
