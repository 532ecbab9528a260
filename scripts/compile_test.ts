import assert from "node:assert/strict";
import { relocateUrls } from "./compile.ts";

const WORKERS = ["providers/resolver_worker.ts", "proxy/proxy_worker.ts"];

const table: [why: string, path: string, source: string, expected: string][] = [
  [
    "in the entry",
    "cli/main.js",
    'new URL("../proxy/proxy_worker.ts", import.meta.url)',
    'new URL("../proxy/proxy_worker.js", import.meta.url)',
  ],
  [
    "in a chunk, which stands elsewhere than its source",
    "chunk-A.js",
    'a(new URL("../../providers/resolver_worker.ts", import.meta.url), 1)',
    'a(new URL("./providers/resolver_worker.js", import.meta.url), 1)',
  ],
  [
    "beside the worker",
    "chunk-A.js",
    'new URL("./resolver_worker.ts", import.meta.url)',
    'new URL("./providers/resolver_worker.js", import.meta.url)',
  ],
];
for (const [why, path, source, expected] of table) {
  Deno.test(`relocateUrls() finds a worker ${why}`, () => assert.equal(relocateUrls(source, path, WORKERS), expected));
}

Deno.test("relocateUrls() refuses a file that is no entry", () => {
  for (const name of ["./other.ts", "../a.json"]) {
    assert.throws(() => relocateUrls(`new URL("${name}", import.meta.url)`, "chunk-A.js", WORKERS), /0 entries/);
  }
});

Deno.test("relocateUrls() refuses a worker that is named in another way", () => {
  assert.throws(() => relocateUrls('open("./proxy_worker.ts")', "chunk-A.js", WORKERS), /write new URL/);
});

Deno.test("relocateUrls() leaves other URLs alone", () => {
  const source = 'new URL("https://example.com/a.ts"); new URL("./a.json", base)';
  assert.equal(relocateUrls(source, "chunk-A.js", WORKERS), source);
});
