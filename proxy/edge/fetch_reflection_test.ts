import assert from "node:assert/strict";
import { parseResourceRef } from "../../policy/server/resource_ref.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import { answer, isDenial, openFetchLab, text, withEdgeLimits } from "./testing/fetch_lab.ts";
import { VALUE_STAND_IN } from "./value_cache.ts";

async function packed(body: string | Uint8Array<ArrayBuffer>, format: CompressionFormat): Promise<string> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream(format));
  return decodeLatin1(new Uint8Array(await new Response(stream).arrayBuffer()));
}

async function encoded(body: string, coding: CompressionFormat): Promise<string> {
  return answer(await packed(body, coding), `Content-Encoding: ${coding}\r\n`);
}

function chunked(body: string, size: number): string {
  const chunks: string[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.slice(at, at + size);
    chunks.push(`${part.length.toString(16)}\r\n${part}\r\n`);
  }
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`;
}

const ECHO = [
  CANARY,
  btoa(`user:${CANARY}`),
  btoa(`u:${CANARY}`),
  encodeURIComponent(CANARY),
  JSON.stringify({ token: CANARY }),
  utf8(CANARY).toHex(),
].join(" | ");
/** A value that every encoding writes in its own way. */
const ODD = "k&y=\"<p\u00e4ss>/w\\rd+'1 \u65e5\u672c";
const ODD_ECHO = [
  ODD,
  JSON.stringify(ODD),
  JSON.stringify(ODD).replaceAll("/", "\\/"),
  encodeURIComponent(ODD),
  new URLSearchParams({ a: ODD }).toString(),
  utf8(ODD).toBase64(),
  utf8(ODD).toHex(),
].join(" | ");
const latin1 = (unicode: string) => decodeLatin1(utf8(unicode));

const REFLECTED: readonly (readonly [why: string, response: string | Promise<string>, value?: string])[] = [
  ["a body", answer(ECHO)],
  ["a body, of a value with odd characters", answer(latin1(ODD_ECHO)), ODD],
  ["an error page", answer(ECHO, "", "500 Oops")],
  ["a redirect", answer("", `Location: https://api.test/?t=${CANARY}&b=${btoa(`u:${CANARY}`)}\r\n`, "302 Found")],
  ["a chosen header", answer("", `ETag: "${CANARY}"\r\nX-Request-Id: ${utf8(CANARY).toHex()}\r\n`)],
  ["a cookie", answer("", `Set-Cookie: a=${CANARY}\r\n`)],
  ["the name of a header", answer("", `X-${CANARY}: 1\r\n`)],
  ["the reason", answer("", "", `200 ${CANARY}`)],
  ["chunks of one byte", chunked(ECHO, 1)],
  ["chunks of seven bytes", chunked(ECHO, 7)],
  ["a trailer", chunked("hi", 2).replace(/\r\n$/, `X-Echo: ${CANARY}\r\n\r\n`)],
  ["gzip", encoded(ECHO, "gzip")],
  ["deflate", encoded(ECHO, "deflate")],
  [
    "gzip that no header of ours asked for, in chunks",
    packed(ECHO, "gzip").then((body) => chunked(body, 3).replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n")),
  ],
  ["an early hint", `HTTP/1.1 103 Early\r\nLink: ${CANARY}\r\n\r\n${answer("x")}`],
  ["a body that ends with the connection", `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${ECHO}`],
  ["a body at the cap", answer("x".repeat(EDGE_LIMITS.responseBodyBytes - ECHO.length) + ECHO)],
  ["a body beyond the cap", answer("x".repeat(EDGE_LIMITS.responseBodyBytes - CANARY.length + 3) + ECHO)],
];
for (const [why, response, value = CANARY] of REFLECTED) {
  Deno.test(`TM-34 EdgeFetcher gives no value back that the host echoes in ${why}`, async () => {
    const body = await response;
    await using lab = await openFetchLab({
      // A header takes it as UTF-8; the host echoes what it likes.
      values: { "github-pat": value },
      respond: () => body,
    });
    const reply = await lab.fetch();
    assert.ok(lab.host.received.includes(latin1(value)));
    const seen = text(reply) + JSON.stringify(reply.headers);
    const leaks = [value, utf8(value).toHex(), encodeURIComponent(value)];
    // The middle of its three alignments in base64.
    for (const pad of ["", "x", "xx"]) leaks.push(utf8(pad + value).toBase64().slice(4, 24));
    for (const leak of leaks) assert.ok(!seen.includes(latin1(leak)), `${leak} is in the reply`);
    if (text(reply).includes("|")) assert.ok(seen.includes(VALUE_STAND_IN));
  });
}

Deno.test("TM-34 EdgeFetcher leaves no part of a value at the cap, whatever of it is within", async () => {
  const cap = 4096;
  await withEdgeLimits({ responseBodyBytes: cap }, async () => {
    let kept = 0;
    await using lab = await openFetchLab({ respond: () => answer("x".repeat(cap - kept) + CANARY + "y".repeat(cap)) });
    for (kept = 1; kept <= CANARY.length; kept++) {
      const reply = await lab.fetch();
      assert.ok(reply.truncated);
      assert.match(text(reply), new RegExp(`^x{${cap - kept}}(?:${VALUE_STAND_IN})?$`), `${kept} bytes within`);
    }
  });
});

Deno.test("TM-34 EdgeFetcher searches a reply for values that came while the host was answering", async () => {
  const go = Promise.withResolvers<void>();
  await using lab = await openFetchLab({
    resources: [{}, { ref: "other", secret: "other-pat", hosts: ["other.test"] }],
    values: { "github-pat": CANARY, "other-pat": `other-${CANARY.toUpperCase()}` },
    certificateFor: "api.test",
    respond: async () => {
      await go.promise;
      return answer(`other-${CANARY.toUpperCase()}`);
    },
  });
  const fetching = lab.fetch();
  while (lab.host.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // Its host has another name on its certificate, so that nothing is sent; the value was read all the same.
  await assert.rejects(
    lab.fetch({ ref: parseResourceRef("other"), url: "https://other.test/" }),
    isDenial("UPSTREAM_CERTIFICATE"),
  );
  go.resolve();
  assert.equal(text(await fetching), VALUE_STAND_IN);
});

Deno.test("TM-34 EdgeFetcher gives huge replies cut off, and binary ones byte for byte", async () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  let body = bytes;
  await using lab = await openFetchLab({ respond: () => answer(body, "Content-Type: application/octet-stream\r\n") });
  const small = await lab.fetch();
  assert.deepEqual([text(small), small.truncated], [bytes, false]);
  body = bytes.repeat(4 * EDGE_LIMITS.responseBodyBytes / 256);
  const large = await lab.fetch();
  assert.deepEqual([large.body.length, large.truncated], [EDGE_LIMITS.responseBodyBytes, true]);
  assert.equal(lab.fetcher.heldBytes, 0);
});

Deno.test("TM-34 EdgeFetcher gives a bomb cut off", async () => {
  const bomb = answer(await packed(new Uint8Array(100 * 2 ** 20), "gzip"), "Content-Encoding: gzip\r\n");
  await using lab = await openFetchLab({ respond: () => bomb });
  const reply = await lab.fetch();
  assert.deepEqual([reply.body.length, reply.truncated], [EDGE_LIMITS.responseBodyBytes, true]);
});

const BROKEN: readonly (readonly [why: string, response: string | Promise<string>])[] = [
  ["of a coding that is not undone", answer("x", "Content-Encoding: zstd\r\n")],
  ["of two codings", answer("x", "Content-Encoding: gzip, gzip\r\n")],
  ["whose coding is a lie", answer(CANARY, "Content-Encoding: gzip\r\n")],
  ["with an endless header", `HTTP/1.1 200 OK\r\n${`X-Echo: ${CANARY}\r\n`.repeat(10_000)}`],
  ["with a header without an end", `HTTP/1.1 200 OK\r\nX-Echo: ${"x".repeat(200_000)}`],
  ["with endless informational responses", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)],
  ["with two framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"],
  ["of another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"],
  ["that is cut off", `HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n${CANARY}`],
  ["that is not HTTP", `${CANARY}\r\n\r\n`],
];
for (const [why, response] of BROKEN) {
  Deno.test(`TM-34 EdgeFetcher gives nothing of a response ${why}`, async () => {
    const bytes = await response;
    await using lab = await openFetchLab({ respond: () => bytes });
    await assert.rejects(lab.fetch(), (error) => {
      assert.ok(isDenial("UPSTREAM_INVALID")(error));
      assert.ok(!Deno.inspect(error).includes(CANARY));
      return true;
    });
    assert.deepEqual(lab.audit.map(({ outcome, code }) => [outcome, code]), [
      ["allowed", undefined],
      ["error", "UPSTREAM_INVALID"],
    ]);
    assert.equal(lab.fetcher.heldBytes, 0);
  });
}

const SLOW: readonly (readonly [why: string, onHead: string])[] = [
  ["does not answer", ""],
  ["does not end its head", "HTTP/1.1 200 OK\r\nX-A: "],
  ["does not end its body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"],
];
for (const [why, onHead] of SLOW) {
  Deno.test(`TM-34 EdgeFetcher waits no longer than it may for a host that ${why}`, async () => {
    await withEdgeLimits({ fetchTimeoutMs: 300 }, async () => {
      const never = Promise.withResolvers<string>();
      await using lab = await openFetchLab({ onHead: () => onHead, respond: () => never.promise });
      await assert.rejects(lab.fetch(), isDenial("UPSTREAM_TIMEOUT"));
      assert.equal(lab.audit.at(-1)?.code, "UPSTREAM_TIMEOUT");
      assert.equal(lab.fetcher.heldBytes, 0);
      never.resolve("");
    });
  });
}

Deno.test("TM-34 EdgeFetcher waits no longer for a host that drips", async () => {
  await withEdgeLimits({ fetchTimeoutMs: 300 }, async () => {
    await using lab = await openFetchLab({
      respond: async (_, conn) => {
        await conn.write(utf8("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"));
        for (;;) {
          await conn.write(utf8("x"));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      },
    });
    const began = performance.now();
    await assert.rejects(lab.fetch(), isDenial("UPSTREAM_TIMEOUT"));
    assert.ok(performance.now() - began < 3_000);
  });
});
