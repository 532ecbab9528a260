import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { brotliCompressSync, constants, createBrotliCompress, deflateSync, gzipSync } from "node:zlib";
import { concatAll } from "./concat.ts";
import { decodeLatin1 } from "./http/latin1.ts";
import { CANARY, CLOSE, okay, openLab, utf8 } from "./testing/lab.ts";
import { writeAll } from "./write_all.ts";

const get = (fields: string, path = "/") => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${fields}${CLOSE}\r\n`;

Deno.test("a token in a header is replaced on its way to the host", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(get(`Authorization: Bearer ${lab.token}\r\n`));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(answer.endsWith("hello"));
  assert.match(lab.upstream.requests[0]!, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m"));
});

Deno.test("a real value in a response is replaced by its token", async () => {
  await using lab = await openLab({ respond: (request) => okay(request) });
  const answer = await lab.inside(get(`Authorization: Bearer ${lab.token}\r\n`));
  assert.ok(lab.upstream.requests[0]!.includes(CANARY));
  assert.ok(!answer.includes(CANARY) && answer.includes(`Authorization: Bearer ${lab.token}`));
});

Deno.test("a request without a token passes, and a connection is kept for the next one", async () => {
  await using lab = await openLab();
  const conn = await lab.tunnel();
  using _ = conn;
  for (let round = 0; round < 3; round++) {
    await writeAll(conn, utf8("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"));
    const buffer = new Uint8Array(1024);
    const count = await conn.read(buffer);
    assert.match(new TextDecoder().decode(buffer.subarray(0, count!)), /hello$/);
  }
  assert.equal(lab.upstream.connections, 1);
});

Deno.test("a token in the path refuses the request", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(get("", `/?t=${lab.token}`));
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /PROXY_TOKEN_MISPLACED/);
  assert.deepEqual(lab.upstream.requests, []);
  assert.equal(lab.refusals[0]?.code, "PROXY_TOKEN_MISPLACED");
});

const CODINGS = [["gzip", gzipSync], ["deflate", deflateSync], ["br", brotliCompressSync]] as const;
for (const [coding, encode] of CODINGS) {
  Deno.test(`TM-02 a value in a response that comes in ${coding} all the same is replaced`, async () => {
    const encoded = decodeLatin1(encode(`key=${CANARY};`.repeat(5_000)));
    await using lab = await openLab({
      respond: () =>
        `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${encoded.length}\r\n\r\n${encoded}`,
    });
    const answer = await lab.inside(get("Accept-Encoding: gzip\r\n"));
    assert.match(lab.upstream.requests[0]!, /^Accept-Encoding: identity\r$/m);
    assert.ok(!/content-encoding/i.test(answer) && !answer.includes(CANARY));
    assert.equal(answer.split(lab.token).length - 1, 5_000);
  });
}

for (const coding of ["zstd", "gzip, gzip", "br, gzip", "rot13"]) {
  Deno.test(`TM-02 a response in the content coding "${coding}" is refused, since it cannot be searched`, async () => {
    await using lab = await openLab({ respond: () => okay("opaque", `Content-Encoding: ${coding}\r\n`) });
    const answer = await lab.inside(get(""));
    assert.match(answer, /^HTTP\/1\.1 502 [^]*PROXY_RESPONSE_ENCODED/);
    assert.ok(!answer.includes("opaque"));
  });
}

for (const [coding] of CODINGS) {
  Deno.test(`TM-02 a response that is not in the coding ${coding} that it names is cut`, async () => {
    await using lab = await openLab({
      respond: () => okay(`not ${coding}: ${CANARY}`, `Content-Encoding: ${coding}\r\n`),
    });
    const answer = await lab.inside(get(""));
    assert.ok(!answer.includes(CANARY) && !answer.includes("0\r\n\r\n"));
  });
}

Deno.test("TM-24 a response that is a bomb of Brotli is decoded as it is taken", async () => {
  const encoder = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });
  const zeros = new Uint8Array(1024 * 1024);
  const bomb = pipeline(Readable.from(Array.from({ length: 512 }, () => zeros)), encoder);
  const parts: Uint8Array[] = [];
  for await (const part of encoder) parts.push(part);
  await bomb;
  const body = decodeLatin1(concatAll(parts));
  assert.ok(body.length < 64 * 1024);
  const before = Deno.memoryUsage().rss;
  await using lab = await openLab({
    respond: () => `HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  });
  using client = await lab.client();
  await client.send(get(""));
  // A client that does not read on.
  await client.waitFor("Transfer-Encoding: chunked");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(Deno.memoryUsage().rss - before < 200 * 1024 * 1024);
});
