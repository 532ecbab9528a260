import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { decodedPieces } from "../exchange/decoded_pieces.ts";
import { BodyReader } from "../http/body_reader.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { LIMITS } from "../limits.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { CLOSE, type Lab, okay, openLab, utf8 } from "../testing/lab.ts";
import { withLimits } from "../testing/with_limits.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";
import { writeAll } from "../write_all.ts";

// requirement: P-4.2

/** What every test shows at its end: others are served as before. */
async function assertServes(lab: Lab): Promise<void> {
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
}

const loginLine = (lab: Lab) => `Proxy-Authorization: Basic ${btoa(`kz:${lab.login.password}`)}\r\n`;
const connectHead = (lab: Lab) => `CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n${loginLine(lab)}\r\n`;

async function openAndClose(lab: Lab): Promise<void> {
  using client = await lab.connect();
  await client.send(connectHead(lab));
  assert.match(await client.waitFor("\r\n\r\n"), /^HTTP\/1\.1 200 /);
}

Deno.test("TM-24 ten thousand CONNECTs, one after another, leave the proxy as it was", async () => {
  await using lab = await openLab();
  for (let count = 0; count < 10_000; count++) await openAndClose(lab);
  await assertServes(lab);
});

Deno.test("TM-24 a thousand CONNECTs at once are all answered", async () => {
  await using lab = await openLab();
  await Promise.all(Array.from({ length: 1_000 }, () => openAndClose(lab)));
  await assertServes(lab);
});

Deno.test("TM-24 connections over the cap are answered 503, and those that are open go on", async () => {
  await using lab = await openLab();
  await withLimits({ connections: 4 }, async () => {
    const open = await Promise.all(Array.from({ length: 4 }, () => lab.client()));
    using over = await lab.connect();
    assert.match(await over.rest(), /^HTTP\/1\.1 503 [^]*PROXY_TOO_MANY_CONNECTIONS/);
    for (const client of open) {
      await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
      assert.equal((await client.response()).status, 200);
      client[Symbol.dispose]();
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await assertServes(lab);
});

Deno.test("TM-24 a head without an end is answered 431", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  const line = `X-A: ${"a".repeat(1000)}\r\n`;
  await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n");
  let sent = 0;
  const flood = (async () => {
    for (; sent < 1000 * line.length; sent += line.length) await client.send(line);
  })();
  assert.match(await client.rest(), /^HTTP\/1\.1 431 /);
  await flood.catch(() => {});
  assert.ok(sent < LIMITS.headBytes + LIMITS.drainBytes + 1024 * 1024);
  await assertServes(lab);
});

Deno.test("TM-24 a line without an end is answered 431", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  await client.send(`GET /${"a".repeat(LIMITS.headBytes)}`);
  assert.match(await client.rest(), /^HTTP\/1\.1 431 /);
  await assertServes(lab);
});

const SLOW: readonly (readonly [why: string, ms: number, start: (lab: Lab) => string, answer: RegExp])[] = [
  ["a client that says nothing", LIMITS.firstRequestMs, () => "", /^$/],
  ["a head that does not go on", LIMITS.headTimeoutMs, () => "GET http://api.test/ HTTP/1.1\r\nHo", /^$/],
  ["a tunnel without a ClientHello", LIMITS.handshakeTimeoutMs, connectHead, /^HTTP\/1\.1 200 [^]*\r\n\r\n$/],
  [
    "a ClientHello that does not go on",
    LIMITS.handshakeTimeoutMs,
    (lab) => `${connectHead(lab)}\x16\x03\x01\x02\x00\x01\x00\x01\xfc`,
    /^HTTP\/1\.1 200 [^]*\r\n\r\n$/,
  ],
  [
    "a TLS handshake that does not go on",
    LIMITS.handshakeTimeoutMs,
    (lab) => connectHead(lab) + wholeHello(),
    /^HTTP\/1\.1 200 /,
  ],
];

for (const [why, ms, start, answer] of SLOW) {
  Deno.test(`TM-24 ${why} is given up`, async () => {
    await using lab = await openLab();
    await withShortLimit(ms, async () => {
      using client = await lab.connect();
      await client.send(start(lab));
      assert.match(await client.rest(), answer);
    });
    await assertServes(lab);
  });
}

/** A ClientHello for TLS 1.2 with one suite that the proxy has, and the groups and signatures that it takes. */
function wholeHello(): string {
  const extensions = "\x00\x0a\x00\x04\x00\x02\x00\x17" + "\x00\x0d\x00\x04\x00\x02\x04\x03" +
    "\x00\x0b\x00\x02\x01\x00";
  const length = (text: string, width: number) =>
    String.fromCharCode(...Array.from({ length: width }, (_, at) => text.length >> (8 * (width - 1 - at)) & 255));
  const body = `\x03\x03${"\x07".repeat(32)}\x00\x00\x02\xc0\x2b\x01\x00${length(extensions, 2)}${extensions}`;
  const message = `\x01${length(body, 3)}${body}`;
  return `\x16\x03\x01${length(message, 2)}${message}`;
}

Deno.test("TM-24 a small body that does not go on is answered 408", async () => {
  await using lab = await openLab();
  await withShortLimit(LIMITS.heldBodyTimeoutMs, async () => {
    using client = await lab.client();
    await client.send("POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 100\r\n\r\nhello");
    assert.match(await client.rest(), /^HTTP\/1\.1 408 [^]*PROXY_BODY_TOO_SLOW/);
  });
  assert.equal(lab.upstream.received, "");
  await assertServes(lab);
});

Deno.test("TM-24 held bodies share one budget: over it 503, small requests go on, and it is given back", async () => {
  const half = LIMITS.swappedBodyBytes / 2;
  const head = `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${half + 1}\r\n\r\n`;
  await withLimits({ heldBodiesBytes: LIMITS.swappedBodyBytes }, async () => {
    await using lab = await openLab({ in: ["body"] });
    const holding = await Promise.all([lab.client(), lab.client()]);
    for (const client of holding) await client.send(head + "a".repeat(half));
    // Until what was sent has been read, others find room.
    let answer = "";
    for (let tries = 0; tries < 100 && !answer.startsWith("HTTP/1.1 503 "); tries++) {
      using over = await lab.client();
      await over.send(head.replace("\r\n\r\n", `\r\n${CLOSE}\r\n`) + "a".repeat(half + 1)).catch(() => {});
      answer = await over.rest();
    }
    assert.match(answer, /PROXY_OVERLOADED/);
    using small = await lab.client();
    await small.send(`POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\n\r\nhello`);
    assert.equal((await small.response()).status, 200);
    for (const client of holding) {
      await client.send("a");
      assert.equal((await client.response()).status, 200);
    }
    using again = await lab.client();
    await again.send(head + "a".repeat(half + 1));
    assert.equal((await again.response()).status, 200);
    for (const client of holding) client[Symbol.dispose]();
  });
});

Deno.test("TM-24 a storm of names, more than have listeners, leaves tunnels from before it and new ones working", async () => {
  await using lab = await openLab();
  using early = await lab.client();
  const storm = async (worker: number) => {
    for (let at = worker; at < 2 * LIMITS.interceptedHosts; at += 16) (await lab.tunnel(`h${at}.test:443`)).close();
  };
  await withLimits(
    { interceptedHosts: 64 },
    () => Promise.all(Array.from({ length: 16 }, (_, at) => storm(at))).then(),
  );
  await early.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await early.response()).status, 200);
  await assertServes(lab);
});

const BOMB_BYTES = 64 * 1024 * 1024;
const bomb = () => gzipSync(new Uint8Array(BOMB_BYTES), { level: 9 });

Deno.test("TM-24 an encoded request that decodes to too much is refused, in little memory", async () => {
  await using lab = await openLab();
  const body = decodeLatin1(bomb());
  const before = Deno.memoryUsage().rss;
  const answer = await lab.inside(
    `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(answer, /^HTTP\/1\.1 415 [^]*PROXY_BODY_ENCODED/);
  assert.ok(Deno.memoryUsage().rss - before < BOMB_BYTES);
  assert.equal(lab.upstream.received, "");
  await assertServes(lab);
});

Deno.test("TM-24 an encoded response is decoded in pieces of a few MiB, whatever it decodes to", async () => {
  const encoded = bomb();
  let at = 0;
  const feed = (into: Uint8Array) => {
    const part = encoded.subarray(at, at + into.length);
    into.set(part);
    at += part.length;
    return part.length === 0 ? null : part.length;
  };
  const reader = new ByteReader({ read: (into) => Promise.resolve(feed(into)) });
  // As after a head: what has come stands in one large piece.
  for (let fills = 0; fills < 3; fills++) await reader.fill();
  const body = new BodyReader(reader, { kind: "length", bytes: encoded.length });
  const pieces = decodedPieces(body, ["gzip"]);
  let total = 0;
  for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
    total += piece.length;
    assert.ok(piece.length < 8 * 1024 * 1024, `a piece of ${piece.length} bytes`);
  }
  assert.equal(total, BOMB_BYTES);
});

const FLOODS: readonly (readonly [why: string, start: string, line: string])[] = [
  ["early responses", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(25)],
  ["header fields", "HTTP/1.1 200 OK\r\n", `X-A: ${"a".repeat(500)}\r\n`],
  ["one header field", "HTTP/1.1 200 OK\r\nX-A: ", "a".repeat(1000)],
  ["trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", `X-A: ${"a".repeat(500)}\r\n`],
];

for (const [why, start, line] of FLOODS) {
  Deno.test(`TM-24 a response of endless ${why} ends`, async () => {
    let sent = 0;
    await using lab = await openLab({
      respond: async (request, conn) => {
        if (!request.includes("/flood")) return okay("hello");
        await writeAll(conn, utf8(start));
        for (; sent < 64 * 1024 * 1024; sent += line.length) await writeAll(conn, utf8(line));
        return "";
      },
    });
    const answer = await lab.inside(`GET /flood HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
    if (why !== "trailers") assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.ok(!answer.includes("0\r\n\r\n"));
    await assertServes(lab);
    assert.ok(sent < 16 * 1024 * 1024, `took ${sent} bytes`);
  });
}

Deno.test("TM-24 hosts that accept and say nothing do not hold up others", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using lab = await openLab({ connect: { "silent.test": silent.addr.port } });
  const waiting = await Promise.all(Array.from({ length: 100 }, () => lab.client("silent.test:443")));
  using other = await lab.client();
  await withShortLimit(LIMITS.handshakeTimeoutMs, async () => {
    for (const client of waiting) await client.send("GET / HTTP/1.1\r\nHost: silent.test\r\n\r\n");
    for (const client of waiting) {
      assert.equal((await client.response()).status, 502);
      client[Symbol.dispose]();
    }
  });
  await other.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await other.response()).status, 200);
});

const UPLOAD_BYTES = 512 * 1024 * 1024;

Deno.test("TM-24 an upload of 512 MiB streams in bounded memory", async () => {
  let received = 0;
  await using lab = await openLab({
    consume: (bytes) => {
      received += bytes.length;
      return received >= UPLOAD_BYTES ? okay("done") : "";
    },
  });
  using client = await lab.client();
  const piece = new Uint8Array(1024 * 1024).fill(97);
  await client.send(`POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`);
  const before = Deno.memoryUsage().rss;
  let most = 0;
  for (let sent = 0; sent < UPLOAD_BYTES; sent += piece.length) {
    await writeAll(client.conn, piece);
    most = Math.max(most, Deno.memoryUsage().rss);
  }
  assert.equal((await client.response()).status, 200);
  assert.ok(most - before < 128 * 1024 * 1024, `grew by ${most - before} bytes`);
});
