import assert from "node:assert/strict";
import fc from "fast-check";
import { Http2Error, type Http2ErrorCode } from "../http2_error.ts";
import { HpackDecoder } from "./decoder.ts";
import { encodeBlock } from "./encode.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

/** RFC 7541 Appendix C.3, C.4 and C.6, block by block; C.6 has a table of 256 bytes, which its first block says here. */
const EXAMPLES: readonly [why: string, blocks: readonly (readonly [block: string, fields: readonly string[]])[]][] = [
  ["C.3, requests without Huffman", [
    ["828684410f7777772e6578616d706c652e636f6d", [
      ":method",
      "GET",
      ":scheme",
      "http",
      ":path",
      "/",
      ":authority",
      "www.example.com",
    ]],
    ["828684be58086e6f2d6361636865", [
      ":method",
      "GET",
      ":scheme",
      "http",
      ":path",
      "/",
      ":authority",
      "www.example.com",
      "cache-control",
      "no-cache",
    ]],
  ]],
  ["C.4, requests with Huffman", [
    ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", [
      ":method",
      "GET",
      ":scheme",
      "http",
      ":path",
      "/",
      ":authority",
      "www.example.com",
    ]],
    ["8286 84be 5886 a8eb 1064 9cbf", [
      ":method",
      "GET",
      ":scheme",
      "http",
      ":path",
      "/",
      ":authority",
      "www.example.com",
      "cache-control",
      "no-cache",
    ]],
    ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", [
      ":method",
      "GET",
      ":scheme",
      "https",
      ":path",
      "/index.html",
      ":authority",
      "www.example.com",
      "custom-key",
      "custom-value",
    ]],
  ]],
  ["C.6, responses with Huffman and a small table", [
    [
      "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      [
        ":status",
        "302",
        "cache-control",
        "private",
        "date",
        "Mon, 21 Oct 2013 20:13:21 GMT",
        "location",
        "https://www.example.com",
      ],
    ],
    ["4883 640e ffc1 c0bf", [
      ":status",
      "307",
      "cache-control",
      "private",
      "date",
      "Mon, 21 Oct 2013 20:13:21 GMT",
      "location",
      "https://www.example.com",
    ]],
    [
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      [
        ":status",
        "200",
        "cache-control",
        "private",
        "date",
        "Mon, 21 Oct 2013 20:13:22 GMT",
        "location",
        "https://www.example.com",
        "content-encoding",
        "gzip",
        "set-cookie",
        "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ],
    ],
  ]],
];
for (const [why, blocks] of EXAMPLES) {
  Deno.test(`HpackDecoder reads the RFC's example ${why} [P-5.1]`, () => {
    const decoder = new HpackDecoder();
    for (const [block, fields] of blocks) assert.deepEqual(decoder.decode(hex(block)), fields);
  });
}

const BROKEN: readonly [why: string, block: string, code: Http2ErrorCode][] = [
  ["an index of 0", "80", "COMPRESSION_ERROR"],
  ["an index beyond the tables", "be", "COMPRESSION_ERROR"],
  ["a name beyond the tables", "7e0161", "COMPRESSION_ERROR"],
  ["a text that is cut off", "00016103", "COMPRESSION_ERROR"],
  ["a number that is cut off", "ff", "COMPRESSION_ERROR"],
  ["a number without end", "ff8080808080808001", "COMPRESSION_ERROR"],
  ["a number that wraps", "ffffffffff0f", "COMPRESSION_ERROR"],
  ["a table larger than was allowed", "3fe21f", "COMPRESSION_ERROR"],
  ["a change of the table within a block", "8220", "COMPRESSION_ERROR"],
  ["Huffman padding of zeros", "00816000", "COMPRESSION_ERROR"],
  ["Huffman padding of a whole byte", "000161821fff", "COMPRESSION_ERROR"],
  ["the end within a Huffman text", "00016184ffffffff", "COMPRESSION_ERROR"],
];
for (const [why, block, code] of BROKEN) {
  Deno.test(`TM-18 HpackDecoder refuses ${why}`, () => {
    assert.throws(
      () => new HpackDecoder().decode(hex(block)),
      (error) => error instanceof Http2Error && error.code === code,
    );
  });
}

Deno.test("TM-24 HpackDecoder makes no more of a block than a head may have, and goes on behind it", () => {
  const decoder = new HpackDecoder();
  const long = "b".repeat(4000);
  const added = new TextEncoder().encode(`\x40\x01a\x7f\xa1\x1e${long}`);
  // As bytes: what is over 0x7f has two in UTF-8.
  const block = Uint8Array.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e, ...added.slice(-4000)]);
  assert.deepEqual(decoder.decode(block), ["a", long]);
  assert.equal(decoder.decode(new Uint8Array(60_000).fill(0xbe)), undefined);
  assert.deepEqual(decoder.decode(Uint8Array.of(0xbe)), ["a", long]);
});

Deno.test("HpackDecoder reads what encodeBlock() writes [P-5.1]", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 400,
  });
  fc.assert(fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (fields) => {
    const raw = fields.flat();
    assert.deepEqual(new HpackDecoder().decode(encodeBlock(raw)), raw);
  }));
});
