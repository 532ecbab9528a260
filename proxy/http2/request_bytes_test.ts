import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpError } from "../http/http_error.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { parseRequestHead } from "../http/request_head.ts";
import { http1Head } from "./request_bytes.ts";

const HEAD = [":method", "GET", ":scheme", "https", ":authority", "api.test", ":path", "/a"];
const write = (raw: readonly string[], ended = true) => decodeLatin1(http1Head(raw, { ended }).bytes);

const WRITTEN: readonly [why: string, raw: readonly string[], ended: boolean, expected: string][] = [
  ["a request without a body", HEAD, true, "GET /a HTTP/1.1\r\nhost: api.test\r\n\r\n"],
  [
    "a body of unknown length",
    HEAD,
    false,
    "GET /a HTTP/1.1\r\nhost: api.test\r\ntransfer-encoding: chunked\r\n\r\n",
  ],
  [
    "a body of known length",
    [...HEAD, "content-length", "5"],
    false,
    "GET /a HTTP/1.1\r\nhost: api.test\r\ncontent-length: 5\r\n\r\n",
  ],
  [
    "cookies, in one field",
    [...HEAD, "cookie", "a=1", "x-a", "1", "cookie", "b=2"],
    true,
    "GET /a HTTP/1.1\r\nhost: api.test\r\nx-a: 1\r\ncookie: a=1; b=2\r\n\r\n",
  ],
  ["te, which is for the proxy", [...HEAD, "te", "trailers"], true, "GET /a HTTP/1.1\r\nhost: api.test\r\n\r\n"],
  [
    "host in place of an authority",
    [":method", "GET", ":scheme", "https", ":path", "/", "host", "api.test"],
    true,
    "GET / HTTP/1.1\r\nhost: api.test\r\n\r\n",
  ],
];
for (const [why, raw, ended, expected] of WRITTEN) {
  Deno.test(`http1Head() writes ${why} [P-5.1]`, () => assert.equal(write(raw, ended), expected));
}

const without = (name: string) => HEAD.filter((_, at) => HEAD[at - at % 2] !== name);
const REFUSED: readonly [why: string, raw: readonly string[]][] = [
  ["a line break in a value", [...HEAD, "x-a", "1\r\nauthorization: x"]],
  ["a line feed in a value", [...HEAD, "x-a", "1\n"]],
  ["NUL in a value", [...HEAD, "x-a", "\0"]],
  ["a line break in a name", [...HEAD, "x-a: 1\r\nx-b", "1"]],
  ["a line break in the path", [
    ":method",
    "GET",
    ":scheme",
    "https",
    ":authority",
    "api.test",
    ":path",
    "/ HTTP/1.1\r\n",
  ]],
  ["a character beyond a byte", [...HEAD, "x-a", "\u0100"]],
  ["an upper-case name", [...HEAD, "X-A", "1"]],
  ["connection", [...HEAD, "connection", "close"]],
  ["transfer-encoding", [...HEAD, "transfer-encoding", "chunked"]],
  ["upgrade", [...HEAD, "upgrade", "websocket"]],
  ["te that is not trailers", [...HEAD, "te", "gzip"]],
  ["a pseudo-header after a field", ["x-a", "1", ...HEAD]],
  ["a pseudo-header twice", [...HEAD, ":path", "/b"]],
  ["an unknown pseudo-header", [...HEAD.slice(0, 6), ":path", "/", ":protocol", "websocket"]],
  ["no method", without(":method")],
  ["no path", without(":path")],
  ["no scheme", without(":scheme")],
  ["neither authority nor host", without(":authority")],
  ["another scheme", HEAD.with(3, "http")],
  ["a path that is none", HEAD.with(7, "*")],
  ["an authority that is not the host", [...HEAD, "host", "other.test"]],
];
for (const [why, raw] of REFUSED) {
  Deno.test(`TM-18 http1Head() refuses ${why}`, () => assert.throws(() => write(raw), HttpError));
}

Deno.test("TM-18 http1Head() gives our parser what the stream said, and nothing more", () => {
  const part = fc.array(
    fc.constantFrom("a", "x-b", "host", ":", " ", "\t", "\r\n", "\n", "\0", "\u00e4", ";", "=", "/"),
    {
      minLength: 1,
      maxLength: 4,
    },
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), { maxLength: 6 }), part, (fields, tail) => {
      let parsed;
      try {
        const raw = [...HEAD.with(7, `/${tail}`), ...fields.flat()];
        parsed = parseRequestHead(http1Head(raw, { ended: true }).bytes);
      } catch (error) {
        assert.ok(error instanceof HttpError);
        return;
      }
      assert.equal(parsed.target, `/${tail}`);
      const sent = fields.filter(([name]) => name !== "host").map((
        [name, value],
      ) => [name, value.replace(/^[ \t]+|[ \t]+$/g, "")]);
      assert.deepEqual(parsed.fields.map(({ name, value }) => [name, value]), [["host", "api.test"], ...sent]);
    }),
    { numRuns: 2000 },
  );
});
