import assert from "node:assert/strict";
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

for (const coding of ["gzip", "deflate"] as const) {
  Deno.test(`TM-02 a value in a response that comes in ${coding} all the same is replaced`, async () => {
    const stream = new Blob([`key=${CANARY};`.repeat(5_000)]).stream().pipeThrough(new CompressionStream(coding));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const encoded = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
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

for (const coding of ["br", "zstd", "gzip, gzip", "rot13"]) {
  Deno.test(`TM-02 a response in the content coding "${coding}" is refused, since it cannot be searched`, async () => {
    await using lab = await openLab({ respond: () => okay("opaque", `Content-Encoding: ${coding}\r\n`) });
    const answer = await lab.inside(get(""));
    assert.match(answer, /^HTTP\/1\.1 502 [^]*PROXY_RESPONSE_ENCODED/);
    assert.ok(!answer.includes("opaque"));
  });
}

Deno.test("TM-02 a response that is not in the coding that it names is cut", async () => {
  await using lab = await openLab({ respond: () => okay(`not gzip: ${CANARY}`, "Content-Encoding: gzip\r\n") });
  const answer = await lab.inside(get(""));
  assert.ok(!answer.includes(CANARY) && !answer.includes("0\r\n\r\n"));
});
