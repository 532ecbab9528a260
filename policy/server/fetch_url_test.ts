import assert from "node:assert/strict";
import { Denial } from "./denial.ts";
import { parseFetchUrl } from "./fetch_url.ts";

const ACCEPTED: readonly (readonly [why: string, text: string, href: string])[] = [
  ["a path and a query", "https://api.test/a/b?c=d&e", "https://api.test/a/b?c=d&e"],
  ["no path", "https://api.test", "https://api.test/"],
  ["capitals in the host", "https://API.Test/A", "https://api.test/A"],
  ["a dot at the end of the host", "https://api.test./", "https://api.test/"],
  ["punycode", "https://xn--bcher-kva.test/", "https://xn--bcher-kva.test/"],
  ["its own port", "https://api.test:443/", "https://api.test/"],
  ["another port", "https://api.test:8443/", "https://api.test:8443/"],
  ["the highest port", "https://api.test:65535/", "https://api.test:65535/"],
  ["an address", "https://192.0.2.1/", "https://192.0.2.1/"],
  ["an address in decimal", "https://2130706433/", "https://127.0.0.1/"],
  ["an address in octal", "https://0177.0.0.1/", "https://127.0.0.1/"],
  ["an IPv6 address", "https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/"],
  ["escapes", "https://api.test/a%20b?q=%22x%22", "https://api.test/a%20b?q=%22x%22"],
  ["an apostrophe in the query", "https://api.test/?q='a'", "https://api.test/?q='a'"],
  ["slashes and dots in the query", "https://api.test/?q=//a/../b?c", "https://api.test/?q=//a/../b?c"],
  ["two slashes in the path, which are sent", "https://api.test//a", "https://api.test//a"],
  ["an @ in the path", "https://api.test/@a/b:c", "https://api.test/@a/b:c"],
  ["8192 characters", `https://api.test/${"a".repeat(8192 - 17)}`, `https://api.test/${"a".repeat(8192 - 17)}`],
];
for (const [why, text, href] of ACCEPTED) {
  Deno.test(`parseFetchUrl() reads a URL with ${why} [S-5.5]`, () => {
    const url = parseFetchUrl(text);
    assert.equal(url.href, href);
    assert.equal(`https://${url.host}${url.port === 443 ? "" : `:${url.port}`}${url.pathAndQuery}`, href);
    assert.equal(url.path, url.pathAndQuery.replace(/\?.*$/, ""));
    // What is sent is what any reader of the URL sees, but for the apostrophe.
    assert.equal(new URL(href).href.replaceAll("%27", "'"), href);
  });
}

const REFUSED: readonly (readonly [why: string, text: string])[] = [
  ["nothing", ""],
  ["no scheme", "api.test/"],
  ["clear text", "http://api.test/"],
  ["another scheme", "file:///etc/passwd"],
  ["the scheme in capitals", "HTTPS://api.test/"],
  ["white space before it", " https://api.test/"],
  ["a line break after it", "https://api.test/\n"],
  ["a tab inside", "https://api\t.test/"],
  ["a line break inside", "https://api.test/a\r\nHost: evil.test"],
  ["a NUL", "https://api.test/\0"],
  ["a space in the path", "https://api.test/a b"],
  ["user and password", "https://user:password@api.test/"],
  ["a user", "https://user@api.test/"],
  ["an empty user", "https://@api.test/"],
  ["the allowed host as the user", "https://api.test@evil.test/"],
  ["the allowed host as user and password", "https://api.test:443@evil.test/"],
  ["a fragment", "https://api.test/#a"],
  ["an empty fragment", "https://api.test/#"],
  ["a fragment before another host", "https://evil.test#@api.test/"],
  ["a backslash for a slash", "https:\\\\api.test\\a"],
  ["a backslash before another host", "https://evil.test\\@api.test/"],
  ["a backslash in the path", "https://api.test/a\\..\\b"],
  ["one slash", "https:/api.test/"],
  ["no slash", "https:api.test/"],
  ["three slashes", "https:///api.test/"],
  ["no host", "https://"],
  ["a port alone", "https://:443/"],
  ["an empty port", "https://api.test:/"],
  ["port 0", "https://api.test:0/"],
  ["port 65536", "https://api.test:65536/"],
  ["a port with a zero before it", "https://api.test:0443/"],
  ["a port with a sign", "https://api.test:+443/"],
  ["two ports", "https://api.test:443:443/"],
  ["a query without a path", "https://api.test?a=b"],
  ["a .. segment", "https://api.test/a/../b"],
  ["a .. segment at the end", "https://api.test/a/.."],
  ["a . segment", "https://api.test/./a"],
  ["an escaped .. segment", "https://api.test/a/%2e%2E/b"],
  ["a half-escaped .. segment", "https://api.test/a/.%2e/b"],
  ["a percent sign alone", "https://api.test/100%"],
  ["an escape that is none", "https://api.test/%zz"],
  ["an escape that is none in the query", "https://api.test/?a=%u0041"],
  ["quotes in the path", 'https://api.test/"a"'],
  ["curly brackets", "https://api.test/{a}"],
  ["angle brackets", "https://api.test/?a=<b>"],
  ["letters beyond ASCII", "https://api.test/ä"],
  ["a host beyond ASCII", "https://bücher.test/"],
  ["a dot of another script", "https://api\u3002test/"],
  ["an escape in the host", "https://api%2etest/"],
  ["a wildcard", "https://*.test/"],
  ["an empty label", "https://api..test/"],
  ["a zone id", "https://[fe80::1%25eth0]/"],
  ["an IPv6 address without brackets", "https://::1/"],
  ["an open bracket", "https://[::1/"],
  ["something after the brackets", "https://[::1]x/"],
  ["8193 characters", `https://api.test/${"a".repeat(8193 - 17)}`],
];
for (const [why, text] of REFUSED) {
  Deno.test(`TM-34 parseFetchUrl() refuses a URL with ${why}`, () => {
    assert.throws(() => parseFetchUrl(text), (error) => {
      assert.ok(error instanceof Denial && error.code === "URL_INVALID" && error.detail !== undefined, String(error));
      assert.ok(text.length < 10 || !(error.message + error.detail).includes(text));
      return true;
    });
  });
}

const DETAILS: readonly (readonly [text: string, detail: RegExp])[] = [
  ["https://user:password@api.test/", /no user information/],
  ["https://api.test/#a", /no fragment/],
  ["http://api.test/", /begins with https/],
  ["https://api.test/\u00e4", /percent-encode/],
  ["https://api.test?a=b", /after a path/],
  ["https://api.test/a/../b", /written as it is sent/],
  ["https://api.test:0/", /a port from 1 to 65535/],
  [`https://api.test/${"a".repeat(9000)}`, /at most 8192/],
];
for (const [text, detail] of DETAILS) {
  Deno.test(`parseFetchUrl() says of ${text.slice(0, 40)} what to change`, () => {
    assert.throws(() => parseFetchUrl(text), (error) => error instanceof Denial && detail.test(error.detail ?? ""));
  });
}
