import assert from "node:assert/strict";
import { fetchedBody } from "./fetched_body.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const BINARY = Uint8Array.of(0xff, 0xd8, 0xff, 0);

const CASES: readonly [why: string, bytes: Uint8Array, type: string | undefined, cut: boolean, expected: string][] = [
  ["JSON", utf8('{"ä":1}'), "application/json; charset=utf-8", false, 'text {"ä":1}'],
  ["a suffix of JSON", utf8("{}"), "application/vnd.github+json", false, "text {}"],
  ["text", utf8("a"), "text/html", false, "text a"],
  ["text without a type", utf8("a"), undefined, false, "text a"],
  ["bytes without a type", BINARY, undefined, false, "base64 application/octet-stream /9j/AA=="],
  ["an image", BINARY, "image/jpeg", false, "base64 image/jpeg /9j/AA=="],
  ["an image that is text", utf8("<svg/>"), "image/png", false, "base64 image/png PHN2Zy8+"],
  ["SVG, which is XML", utf8("<svg/>"), "image/svg+xml", false, "text <svg/>"],
  ["text that is not UTF-8", BINARY, "text/plain", false, "base64 text/plain /9j/AA=="],
  ["text that is cut inside a character", utf8("aä").subarray(0, 2), "text/plain", true, "text a"],
  ["text that ends inside a character", utf8("aä").subarray(0, 2), "text/plain", false, "base64 text/plain YcM="],
  ["a type that is none", utf8("a"), "text<script>", false, "text a"],
  ["nothing", utf8(""), "application/json", false, "text "],
];
for (const [why, bytes, type, cut, expected] of CASES) {
  Deno.test(`fetchedBody() gives ${why} as ${expected.split(" ", 1)} [S-5.5]`, () => {
    const body = fetchedBody(bytes, type, cut);
    assert.equal(body.kind === "text" ? `text ${body.text}` : `base64 ${body.mediaType} ${body.base64}`, expected);
  });
}
