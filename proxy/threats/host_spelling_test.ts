import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { parseHost } from "../../policy/host.ts";
import { parseHostGrant, parseHostPattern } from "../../policy/host_pattern.ts";
import { HttpError } from "../http/http_error.ts";
import { parseAuthority } from "../http/target.ts";
import { openLab } from "../testing/lab.ts";

/** `undefined`: refused. */
const HOSTS: readonly (readonly [why: string, text: string, host: string | undefined])[] = [
  ["a name", "api.test", "api.test"],
  ["capitals", "API.Test", "api.test"],
  ["a dot at its end", "api.test.", "api.test"],
  ["a single label", "localhost", "localhost"],
  ["an underscore", "_dmarc.api.test", "_dmarc.api.test"],
  ["a hyphen", "a-b.test", "a-b.test"],
  ["an international name", "münchen.test", "xn--mnchen-3ya.test"],
  ["punycode", "xn--mnchen-3ya.test", "xn--mnchen-3ya.test"],
  ["a Cyrillic letter that looks Latin", "аpi.test", "xn--pi-6kc.test"],
  ["full-width letters", "ａpi.test", "api.test"],
  ["an ideographic full stop", "api。test", "api.test"],
  ["a soft hyphen", "api\u00ad.test", "api.test"],
  ["an address", "127.0.0.1", "127.0.0.1"],
  ["a decimal address", "2130706433", "127.0.0.1"],
  ["an octal address", "0177.0.0.1", "127.0.0.1"],
  ["a hexadecimal address", "0x7f000001", "127.0.0.1"],
  ["a short address", "127.1", "127.0.0.1"],
  ["an address with a dot at its end", "127.0.0.1.", "127.0.0.1"],
  ["an IPv6 address", "[::1]", "[::1]"],
  ["an IPv6 address in full", "[0:0:0:0:0:0:0:1]", "[::1]"],
  ["a v4-mapped address", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
  ["a name of 253 characters", `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`, "itself"],
  ["nothing", "", undefined],
  ["a dot", ".", undefined],
  ["two dots at its end", "api.test..", undefined],
  ["an empty label", "api..test", undefined],
  ["a dot at its beginning", ".api.test", undefined],
  ["a port", "api.test:443", undefined],
  ["an empty port", "api.test:", undefined],
  ["userinfo", "user@api.test", undefined],
  ["userinfo that looks like a host", "api.test@evil.test", undefined],
  ["a path", "api.test/", undefined],
  ["a query", "api.test?", undefined],
  ["a fragment", "api.test#", undefined],
  ["a scheme", "https://api.test", undefined],
  ["a backslash", "api.test\\evil.test", undefined],
  ["an escape", "api%2etest", undefined],
  ["a space", "api .test", undefined],
  ["a space at its end", "api.test ", undefined],
  ["a line break", "api.test\nevil.test", undefined],
  ["a tab", "api\t.test", undefined],
  ["a NUL", "api.test\0", undefined],
  ["a wildcard", "*.test", undefined],
  ["a comma", "api.test,evil.test", undefined],
  ["a bare IPv6 address", "::1", undefined],
  ["an IPv6 address with a zone", "[fe80::1%25eth0]", undefined],
  ["brackets around a name", "[api.test]", undefined],
  ["an address with a part over 255", "256.0.0.1", undefined],
  ["an address of five parts", "1.2.3.4.5", undefined],
  ["a name of 254 characters", `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(62)}`, undefined],
];

for (const [why, text, host] of HOSTS) {
  const expected = host === "itself" ? text : host;
  // What is not ASCII an operator may write; on the wire a name is in punycode.
  const onWire = /^[\x21-\x7e]*$/.test(text) ? expected : undefined;
  Deno.test(`TM-13 parseHost() and parseAuthority() ${expected === undefined ? "refuse" : "make one of"} ${why}`, () => {
    if (expected === undefined) {
      assert.throws(
        () => parseHost(text),
        (error) => error instanceof AppError && error.code === "CONFIG_HOST_INVALID",
      );
      // `api.test:443` is an authority, and a right one.
      if (why !== "a port") assert.throws(() => parseAuthority(text, 443), HttpError);
    } else {
      assert.equal(parseHost(text), expected);
      if (onWire === undefined) assert.throws(() => parseAuthority(text, 443), HttpError);
      else assert.deepEqual(parseAuthority(text, 443), { host: onWire, port: 443 });
    }
  });
}

const PORTS: readonly (readonly [text: string, port: number | undefined])[] = [
  ["api.test:1", 1],
  ["api.test:65535", 65535],
  ["api.test:0443", undefined],
  ["api.test:0", undefined],
  ["api.test:65536", undefined],
  ["api.test:000443", undefined],
  ["api.test:-1", undefined],
  ["api.test:+1", undefined],
  ["api.test:4 43", undefined],
  ["api.test:443:443", undefined],
  ["api.test:0x1bb", undefined],
  ["api.test:https", undefined],
  ["::1:443", undefined],
  ["api.test:٤٤٣", undefined],
];

for (const [text, port] of PORTS) {
  Deno.test(`TM-13 parseAuthority() ${port === undefined ? "refuses" : "reads"} ${text}`, () => {
    if (port === undefined) assert.throws(() => parseAuthority(text, undefined), HttpError);
    else assert.equal(parseAuthority(text, undefined).port, port);
  });
}

const PATTERNS: readonly (readonly [text: string, kind: "exact" | "suffix" | undefined])[] = [
  ["api.test", "exact"],
  ["*.api.test", "suffix"],
  ["*.API.test.", "suffix"],
  ["*", undefined],
  ["*.", undefined],
  ["*.test", undefined],
  ["*.*.test", undefined],
  ["a.*.test", undefined],
  ["*api.test", undefined],
  ["api.*", undefined],
  ["**.api.test", undefined],
  ["*.127.0.0.1", undefined],
  ["*.[::1]", undefined],
  ["*.2130706433", undefined],
];

for (const [text, kind] of PATTERNS) {
  Deno.test(`TM-13 parseHostPattern() ${kind === undefined ? "refuses" : `takes as ${kind}`} ${text}`, () => {
    if (kind === undefined) assert.throws(() => parseHostPattern(text), AppError);
    else assert.equal(parseHostPattern(text).kind, kind);
  });
}

for (
  const text of [
    "u:p@api.test",
    "api.test:0",
    "api.test:99999",
    "api.test:",
    "api.test/%2e",
    "api.test/a?b",
    "*.test/a",
    "",
  ]
) {
  Deno.test(`TM-13 parseHostGrant() refuses ${text || "nothing"} and does not repeat it`, () => {
    assert.throws(
      () => parseHostGrant(text),
      (error) => error instanceof AppError && (text === "" || !`${error.message} ${error.hints}`.includes(text)),
    );
  });
}

const ALLOWED = ["api.test:443", "API.TEST:443", "api.test.:443", "a.wild.test:443", "A.B.WILD.test:443"];
const DENIED = [
  "api.test.evil.test:443",
  "evilapi.test:443",
  "test:443",
  "wild.test:443",
  "evilwild.test:443",
  "a.wild.test.evil.test:443",
  "xn--pi-6kc.test:443",
  "127.0.0.1:443",
  "2130706433:443",
];
const INVALID = [
  "api.test@evil.test:443",
  "api.test%00.evil.test:443",
  "*.wild.test:443",
  "api..test:443",
  "[api.test]:443",
];

Deno.test("TM-13 the running proxy opens tunnels to one canonical form only", async () => {
  await using lab = await openLab({ rules: [{ allow: true, host: "api.test" }, { allow: true, host: "*.wild.test" }] });
  const login = btoa(`kz:${lab.login.password}`);
  const status = async (authority: string) => {
    using client = await lab.connect();
    await client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
    return (await client.waitFor("\r\n\r\n")).slice(9, 12);
  };
  for (const authority of ALLOWED) assert.equal(await status(authority), "200", authority);
  for (const authority of DENIED) assert.equal(await status(authority), "403", authority);
  for (const authority of INVALID) assert.equal(await status(authority), "400", authority);
  assert.equal(lab.upstream.connections, 0);
});
