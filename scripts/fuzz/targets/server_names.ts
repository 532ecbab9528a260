import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../policy/error.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { type FetchUrl, parseFetchUrl } from "../../../policy/server/fetch_url.ts";
import { matchesRef, parseRefPattern, parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

const parts = (...words: readonly string[]) =>
  fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((list) => list.join(""));

/** TM-34: a URL that `fetch` takes is the same for the URL standard: host, port, path and query, and nothing else is in it. */
export const fetchUrls: FuzzTarget = {
  name: "fetch-url",
  inputs: parts(
    "api.test",
    "a",
    "/",
    "/",
    "?",
    "=",
    "%2e",
    ".",
    "..",
    ":443",
    ":8443",
    "@",
    "'",
    "[::1]",
    "127.1",
    "%41",
  )
    .map((rest) => encodeLatin1(`https://${rest}`)),
  dictionary: [
    "https://",
    "http://",
    "//",
    "\\",
    "#",
    "@",
    ":",
    ":0",
    ":443",
    "%2f",
    "%00",
    "%",
    "..",
    ".",
    ";",
    "\t",
    "\n",
  ],
  check(input) {
    const text = decodeLatin1(input);
    let url: FetchUrl;
    try {
      url = parseFetchUrl(text);
    } catch (error) {
      assert.ok(error instanceof Denial && error.code === "URL_INVALID", String(error));
      return false;
    }
    for (const standard of [new URL(text), new URL(url.href)]) {
      const { protocol, username, password, hash, hostname, port, pathname, search } = standard;
      assert.deepEqual([protocol, username, password, hash], ["https:", "", "", ""]);
      assert.equal(hostname.replace(/\.$/, ""), url.host);
      assert.equal(Number(port || 443), url.port);
      assert.equal(pathname, url.path);
      // An apostrophe in a query is all that the standard writes in another way.
      const [, query] = /\?(.*)$/.exec(url.pathAndQuery) ?? [];
      assert.equal(search.slice(1), (query ?? "").replaceAll("'", "%27"));
    }
    assert.ok(url.pathAndQuery.startsWith(url.path) && /^[\x21-\x7e]+$/.test(url.href));
    return true;
  },
};

/** A pattern and a ref, with a line break between them. */
export const resourceRefs: FuzzTarget = {
  name: "resource-ref",
  inputs: fc.tuple(parts("a", "b", "ab", "*", "**", "/", "/", "."), parts("a", "b", "ab", "/", "/", ".", "-"))
    .map(([pattern, ref]) => encodeLatin1(`${pattern}\n${ref}`)),
  dictionary: ["*", "**", "/**/", "/", "//", ".", "..", "a", "\n", "%2f", "\\", "A", "__proto__"],
  check(input) {
    const [pattern = "", ref = ""] = decodeLatin1(input).split("\n");
    const isRef = isPlain(ref, /^[A-Za-z0-9._@:=+-]+$/);
    const isPattern = isPlain(pattern, /^(?:\*\*|(?!.*\*\*)[A-Za-z0-9._@:=+*-]+)$/);
    const parsedRef = parsed(() => parseResourceRef(ref));
    const parsedPattern = parsed(() => parseRefPattern(pattern));
    assert.equal(parsedRef, isRef ? ref : undefined);
    assert.equal(parsedPattern, isPattern ? pattern : undefined);
    // Of more, the expression takes long; matching does not.
    if (parsedRef === undefined || parsedPattern === undefined) return false;
    const matches = matchesRef(parsedPattern, parsedRef);
    if ((pattern.match(/\*/g) ?? []).length <= 6) assert.equal(matches, asExpression(pattern).test(`/${ref}`));
    return true;
  },
};

function isPlain(text: string, segment: RegExp): boolean {
  return text.length <= 256 && text.split("/").every((one) => segment.test(one) && one !== "." && one !== "..");
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "RESOURCE_REF_INVALID", String(error));
    return undefined;
  }
}

/** Over a ref with a slash before it. */
function asExpression(pattern: string): RegExp {
  const segments = pattern.split("/").map((segment) =>
    segment === "**" ? "(?:/[^/]+)*" : `/${segment.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")}`
  );
  return new RegExp(`^${segments.join("")}$`);
}
