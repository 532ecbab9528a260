import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { CANARY, okay, openLab } from "../testing/lab.ts";

// requirement: P-3.1

const get = (fields: string, method = "GET") => `${method} / HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n`;
const ECHO = `value=${CANARY};base64=${btoa(`user:${CANARY}`)};url=${encodeURIComponent(CANARY)}`;
/** The forms above, without the characters of base64 that hold bits of a neighbour. */
const LEAKS = [
  CANARY,
  btoa(`xxx${CANARY}`).slice(4, 36),
  btoa(`xx${CANARY}`).slice(4, 36),
  btoa(`x${CANARY}`).slice(4, 36),
];

const large = ECHO + "x".repeat(LIMITS.wholeBodyBytes) + ECHO;
const inChunks = (text: string, size: number) => {
  let body = "";
  for (let at = 0; at < text.length; at += size) {
    const part = text.slice(at, at + size);
    body += `${part.length.toString(16)}\r\n${part}\r\n`;
  }
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`;
};

const PLACES: readonly (readonly [why: string, response: string, method: string])[] = [
  ["a header", okay("", `X-Echo: ${ECHO}\r\n`), "GET"],
  ["the name of a header", okay("", `X-${CANARY}: 1\r\n`), "GET"],
  ["the reason", `HTTP/1.1 200 ${CANARY}\r\nContent-Length: 0\r\n\r\n`, "GET"],
  ["a redirect", `HTTP/1.1 302 Found\r\nLocation: /?a=${CANARY}\r\nContent-Length: 0\r\n\r\n`, "GET"],
  ["a cookie", okay("", `Set-Cookie: a=${CANARY}\r\n`), "GET"],
  ["a response to HEAD", `HTTP/1.1 200 OK\r\nX-Echo: ${ECHO}\r\nContent-Length: 9\r\n\r\n`, "HEAD"],
  ["a small body", okay(ECHO), "GET"],
  ["a body at the limit", okay("x".repeat(LIMITS.wholeBodyBytes - ECHO.length) + ECHO), "GET"],
  ["a body one byte over the limit", okay("x".repeat(LIMITS.wholeBodyBytes - ECHO.length + 1) + ECHO), "GET"],
  ["a large body", okay(large), "GET"],
  ["an error page", okay(ECHO).replace("200 OK", "500 Oops"), "GET"],
  ["a body that ends with the connection", `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${ECHO}`, "GET"],
  ["an early hint", `HTTP/1.1 103 Hints\r\nLink: ${CANARY}\r\n\r\n${okay("")}`, "GET"],
  ["a trailer", inChunks("hi", 2).replace(/\r\n$/, `X-Echo: ${CANARY}\r\n\r\n`), "GET"],
];

for (const [why, response, method] of PLACES) {
  Deno.test(`TM-01 a real value that comes back in ${why} is replaced by its token`, async () => {
    await using lab = await openLab({ respond: () => response });
    using client = await lab.client();
    await client.send(get(`Authorization: Bearer ${lab.token}\r\n`, method));
    const answer = await client.response(method);
    assert.ok(answer.status >= 200 && answer.whole);
    for (const leak of LEAKS) assert.ok(!(answer.head + answer.body).includes(leak));
    if (answer.body.includes("value=")) assert.ok(answer.body.includes("kz_masked_"));
  });
}

Deno.test("TM-01 a body whose length was announced and that is large keeps it", async () => {
  await using lab = await openLab({ respond: () => okay(large) });
  using client = await lab.client();
  await client.send(get(""));
  const answer = await client.response();
  assert.match(answer.head, new RegExp(`^Content-Length: ${large.length}\r$`, "m"));
  assert.equal(answer.body.length, large.length);
  // Thirty bytes hold no whole token: what stands there is cut to their length.
  assert.ok(answer.body.startsWith(`value=${lab.token.slice(0, CANARY.length)};`));
});

for (const size of [1, 2, 3, 5, 7, 16, 29, 30, 31]) {
  Deno.test(`TM-03 a real value in chunks of ${size} bytes is replaced as a whole`, async () => {
    await using lab = await openLab({ respond: () => inChunks(`before ${CANARY} after`, size) });
    using client = await lab.client();
    await client.send(get(""));
    assert.equal((await client.response()).body, `before ${lab.token} after`);
  });
}

Deno.test("TM-03 a real value split at every byte over writes of the host is replaced", async () => {
  const text = `a ${CANARY} b`;
  let cut = 0;
  await using lab = await openLab({
    respond: async (_, conn) => {
      const bytes = new TextEncoder().encode(text);
      const head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
      await conn.write(new TextEncoder().encode(head));
      await conn.write(bytes.subarray(0, cut));
      // Past the time in which a stream would be thought to be idle.
      await new Promise((resolve) => setTimeout(resolve, 2));
      await conn.write(bytes.subarray(cut));
      await conn.closeWrite();
      return "";
    },
  });
  for (cut = 1; cut < text.length; cut += 3) {
    using client = await lab.client();
    await client.send(get(""));
    assert.equal((await client.response()).body, `a ${lab.token} b`);
  }
});
