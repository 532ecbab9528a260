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
