import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { CLOSE, okay, openLab } from "../testing/lab.ts";

// requirement: P-1.3

const get = (method = "GET") => `${method} / HTTP/1.1\r\nHost: api.test\r\n\r\n`;
const post = (body: string, fields = "") =>
  `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const chunked = (...parts: string[]) =>
  [...parts, ""].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("");

Deno.test("chunks go up and down", async () => {
  await using lab = await openLab({
    respond: () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("one,", "two")}`,
  });
  using client = await lab.client();
  for (let round = 0; round < 2; round++) {
    const fields = "Host: api.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    await client.send(`POST / HTTP/1.1\r\n${fields}${chunked("first,", "second")}`);
    const answer = await client.response();
    assert.equal(answer.body, "one,two");
    assert.ok(answer.whole);
    assert.match(lab.upstream.requests[round]!.replace(/\r\n[0-9a-f]+\r\n/g, ""), /first,second/);
  }
  assert.equal(lab.upstream.connections, 1);
});

Deno.test("trailers of a response are dropped", async () => {
  await using lab = await openLab({
    respond: () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Late: 1\r\n\r\n",
  });
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
  assert.ok(answer.endsWith("0\r\n\r\n") && !answer.includes("X-Late"));
});

const BODILESS: readonly (readonly [why: string, method: string, response: string, status: number])[] = [
  ["HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", 200],
  ["HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200],
  ["204", "DELETE", "HTTP/1.1 204 No Content\r\n\r\n", 204],
  ["304", "GET", 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5000\r\n\r\n', 304],
  ["a length of zero", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200],
];

for (const [why, method, response, status] of BODILESS) {
  Deno.test(`a response without a body (${why}) ends with its head, and the connections go on`, async () => {
    await using lab = await openLab({ respond: () => response });
    using client = await lab.client();
    for (let round = 0; round < 2; round++) {
      await client.send(get(method));
      const answer = await client.response(method);
      assert.equal(answer.status, status);
      if (response.includes("5000")) assert.match(answer.head, /^Content-Length: 5000\r$/m);
    }
    assert.equal(lab.upstream.connections, 1);
  });
}

Deno.test("a body that ends with the host's connection is sent in chunks", async () => {
  await using lab = await openLab({ respond: () => "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello" });
  using client = await lab.client();
  for (let round = 1; round <= 2; round++) {
    await client.send(get());
    const answer = await client.response();
    assert.match(answer.head, /^Transfer-Encoding: chunked\r$/m);
    assert.equal(answer.body, "hello");
    assert.equal(lab.upstream.connections, round);
  }
});

Deno.test("a 100 that is waited for is passed on, and the body follows", async () => {
  await using lab = await openLab({ onHead: () => "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" });
  using client = await lab.client();
  await client.send("POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  assert.equal((await client.response()).head, "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("hi");
  assert.equal((await client.response()).status, 200);
  assert.ok(lab.upstream.requests[0]!.endsWith("\r\n\r\nhi"));
});

Deno.test("a final status in place of a 100 is passed on, and the body is not waited for", async () => {
  await using lab = await openLab({ onHead: () => okay("no").replace("200 OK", "413 Too Large") });
  using client = await lab.client();
  await client.send("POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  assert.equal((await client.response()).status, 413);
  assert.equal(await client.rest(), "");
});

Deno.test("informational responses that nobody waits for are dropped", async () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  await using lab = await openLab({ respond: () => `HTTP/1.1 100 Continue\r\n\r\n${early}${okay("hello")}` });
  using client = await lab.client();
  await client.send(get());
  assert.equal((await client.response()).status, 200);
});

const CUTS: readonly (readonly [why: string, response: string])[] = [
  ["a small length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
  ["a large length", `HTTP/1.1 200 OK\r\nContent-Length: ${LIMITS.wholeBodyBytes + 1}\r\n\r\nhello`],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
  ["a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello"],
  ["a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"],
  ["a head", "HTTP/1.1 200 OK\r\nContent-Le"],
];

for (const [why, response] of CUTS) {
  Deno.test(`a response that is cut in ${why} never looks whole`, async () => {
    await using lab = await openLab({
      respond: async (_, conn) => {
        await conn.write(new TextEncoder().encode(response));
        await conn.closeWrite();
        return "";
      },
    });
    using client = await lab.client();
    await client.send(get());
    const answer = await client.response();
    // A connection that is cut at once, before its first byte went out, has no status.
    assert.ok(answer.status === 502 || !answer.whole);
    assert.deepEqual(lab.refusals.map(({ code }) => code), ["PROXY_UPSTREAM_INVALID"]);
  });
}

async function gzip(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

Deno.test("TM-05 a compressed request body with a token inside is refused, one without passes byte for byte", async () => {
  await using lab = await openLab();
  const refused = await lab.inside(post(await gzip(`{"a":"${lab.token}"}`), `Content-Encoding: gzip\r\n${CLOSE}`));
  assert.match(refused, /^HTTP\/1\.1 403 /);
  assert.equal(lab.upstream.received, "");
  const body = await gzip("nothing to see");
  assert.match(await lab.inside(post(body, `Content-Encoding: gzip\r\n${CLOSE}`)), /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.endsWith(`\r\n\r\n${body}`));
});

Deno.test("TM-24 a zip bomb is refused, and so is what cannot be decoded", async () => {
  await using lab = await openLab();
  const bomb = await gzip("\0".repeat(LIMITS.decodedBodyBytes + 1));
  assert.ok(bomb.length < LIMITS.encodedBodyBytes);
  for (const [body, coding] of [[bomb, "gzip"], ["no gzip", "gzip"], ["?", "zstd-9"], [bomb, "gzip, gzip"]] as const) {
    const answer = await lab.inside(post(body, `Content-Encoding: ${coding}\r\n${CLOSE}`));
    assert.match(answer, /^HTTP\/1\.1 415 /);
  }
  assert.equal(lab.upstream.received, "");
});

Deno.test("events arrive one by one, without waiting for the next", async () => {
  let release = () => {};
  await using lab = await openLab({
    respond: async (_, conn) => {
      const send = (text: string) => conn.write(new TextEncoder().encode(text));
      await send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let event = 0; event < 3; event++) {
        await new Promise<void>((resolve) => release = resolve);
        await send(`9\r\ndata: ${event}\n\n\r\n`);
      }
      return "0\r\n\r\n";
    },
  });
  using client = await lab.client();
  await client.send(get());
  await client.waitFor("\r\n\r\n");
  for (let event = 0; event < 3; event++) {
    release();
    // Were it held back, the next would never be released.
    await client.waitFor(`data: ${event}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok((await client.response()).whole);
});
