import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { concatAll } from "../concat.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { Http2Client } from "../testing/http2_client.ts";
import { CANARY, openLab, utf8 } from "../testing/lab.ts";
import {
  data,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  headers,
  PADDED,
  type RawField,
  RawHttp2,
  uint32,
} from "../testing/raw_http2.ts";
import type { AnswerRaw } from "../testing/raw_http2_host.ts";

/** A response as texts. */
interface Http2Answer {
  /** 0 if there was none. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly early: readonly Readonly<Record<string, string>>[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly whole: boolean;
}

async function ask(client: Http2Client, headers: Record<string, string>): Promise<Http2Answer> {
  const { status = 0, fields, early, body, trailers, whole } = await client.ask({ ":path": "/", ...headers });
  return {
    status,
    headers: Object.fromEntries(fields),
    early: early.map((section) => Object.fromEntries(section)),
    body: decodeLatin1(body),
    trailers: Object.fromEntries(trailers),
    whole,
  };
}

const OK: readonly RawField[] = [[":status", "200"]];
const head = (stream: number, fields: readonly RawField[] = [], flags = END_HEADERS) =>
  headers(stream, [...OK, ...fields], flags);
const whole = (stream: number, body: string) => [head(stream), data(stream, body, END_STREAM)];

/** All that a client got, as one text. */
const text = (answer: Http2Answer) => JSON.stringify(answer);

/** A host that reflects the value, and what stands in its place. */
const REFLECTED: readonly (readonly [why: string, answer: AnswerRaw, read: (answer: Http2Answer) => unknown])[] = [
  ["TM-03 in DATA of one byte each", (peer, stream) =>
    peer.send(
      head(stream),
      ...Array.from(`<${CANARY}>`, (character) => data(stream, character)),
      data(stream, "", END_STREAM),
    ), ({ body }) => body],
  ["TM-03 in DATA of one byte each, with a pause between them", async (peer, stream) => {
    await peer.send(head(stream));
    for (const character of `<${CANARY}>`) {
      await peer.send(data(stream, character));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await peer.send(data(stream, "", END_STREAM));
  }, ({ body }) => body],
  ["TM-03 in DATA with padding", (peer, stream) =>
    peer.send(
      head(stream),
      ...Array.from(
        `<${CANARY}>`,
        (character) =>
          frame(FRAME.data, PADDED, stream, concatAll([Uint8Array.of(7), utf8(character), new Uint8Array(7)])),
      ),
      data(stream, "", END_STREAM),
    ), ({ body }) => body],
  [
    "TM-01 in a body with a length",
    (peer, stream) =>
      peer.send(head(stream, [["content-length", String(CANARY.length + 2)]]), data(stream, `<${CANARY}>`, END_STREAM)),
    ({ body }) => body,
  ],
  [
    "TM-01 in a header",
    (peer, stream) => peer.send(head(stream, [["x-a", `<${CANARY}>`]]), data(stream, "", END_STREAM)),
    (answer) => answer.headers["x-a"],
  ],
  [
    "TM-01 in a header alone",
    (peer, stream) => peer.send(head(stream, [["x-a", `<${CANARY}>`]], END_HEADERS | END_STREAM)),
    (answer) => answer.headers["x-a"],
  ],
  [
    "TM-01 in one of two cookies",
    (peer, stream) =>
      peer.send(head(stream, [["set-cookie", "a=b"], ["set-cookie", `<${CANARY}>`]], END_HEADERS | END_STREAM)),
    (answer) => answer.headers["set-cookie"]?.split(",")[1],
  ],
  [
    "TM-01 in a trailer",
    (peer, stream) => peer.send(head(stream), data(stream, "a"), headers(stream, [["grpc-message", `<${CANARY}>`]])),
    (answer) => answer.trailers["grpc-message"],
  ],
  [
    "TM-01 in base64 in a trailer",
    (peer, stream) => peer.send(head(stream), data(stream, "a"), headers(stream, [["x-bin", btoa(`<${CANARY}>`)]])),
    () => "<TOKEN>",
  ],
  ["TM-02 in gzip", (peer, stream) =>
    peer.send(
      head(stream, [["content-encoding", "gzip"]]),
      data(stream, gzipSync(utf8(`<${CANARY}>`)), END_STREAM),
    ), ({ body }) => body],
  ["TM-02 in Brotli", (peer, stream) =>
    peer.send(
      head(stream, [["content-encoding", "br"]]),
      data(stream, brotliCompressSync(utf8(`<${CANARY}>`)), END_STREAM),
    ), ({ body }) => body],
  ["TM-01 in early hints, which are left out", (peer, stream) =>
    peer.send(
      headers(stream, [[":status", "103"], ["link", CANARY]], END_HEADERS),
      headers(stream, [[":status", "100"], ["x-a", CANARY]], END_HEADERS),
      ...whole(stream, "<TOKEN>"),
    ), ({ body, early }) => early.length === 0 ? body : early],
  [
    "TM-01 in a name",
    (peer, stream) => peer.send(head(stream, [[CANARY, "a"]], END_HEADERS | END_STREAM)),
    () => "<TOKEN>",
  ],
];

for (const [why, answer, read] of REFLECTED) {
  Deno.test(`${why}, a value that a host of HTTP/2 gives back is scrubbed`, async () => {
    await using lab = await openLab({ rawHttp2: answer });
    using client = await Http2Client.open(lab);
    const got = await ask(client, { authorization: `Bearer ${lab.token}` });
    assert.equal(got.status, 200);
    assert.ok(got.whole);
    assert.ok(!text(got).includes(CANARY), text(got));
    assert.ok(!text(got).includes(btoa(CANARY).slice(4, -4)), text(got));
    assert.equal(String(read(got)).replace("<TOKEN>", `<${lab.token}>`), `<${lab.token}>`);
  });
}

Deno.test("TM-01 a value with bytes above ASCII is scrubbed from heads and bodies of HTTP/2", async () => {
  const value = "pässwörd-\u{1f511}-of-32-characters";
  const bytes = String.fromCharCode(...utf8(value));
  await using lab = await openLab({
    value,
    rawHttp2: (peer, stream) =>
      peer.send(head(stream, [["x-a", bytes]]), data(stream, utf8(value)), headers(stream, [["x-t", bytes]])),
  });
  using client = await Http2Client.open(lab);
  const got = await ask(client, {});
  assert.equal(got.headers["x-a"], lab.token);
  assert.equal(got.body, lab.token);
  assert.equal(got.trailers["x-t"], lab.token);
});

/** Responses that are not what they say: the client gets a refusal, or an answer that is not whole. */
const BROKEN: readonly (readonly [why: string, answer: AnswerRaw])[] = [
  [
    "TM-18 a length that is too short",
    (peer, stream) => peer.send(head(stream, [["content-length", "2"]]), data(stream, "hello", END_STREAM)),
  ],
  [
    "TM-18 a length that is too long",
    (peer, stream) => peer.send(head(stream, [["content-length", "9"]]), data(stream, "hello", END_STREAM)),
  ],
  [
    "TM-18 a length and no body",
    (peer, stream) => peer.send(head(stream, [["content-length", "9"]], END_HEADERS | END_STREAM)),
  ],
  [
    "TM-18 two lengths",
    (peer, stream) =>
      peer.send(head(stream, [["content-length", "5"], ["content-length", "5"]]), data(stream, "hello", END_STREAM)),
  ],
  [
    "TM-18 a signed length",
    (peer, stream) => peer.send(head(stream, [["content-length", "+5"]]), data(stream, "hello", END_STREAM)),
  ],
  [
    "TM-18 transfer-encoding",
    (peer, stream) =>
      peer.send(head(stream, [["transfer-encoding", "chunked"]]), data(stream, "5\r\nhello\r\n0\r\n\r\n", END_STREAM)),
  ],
  ["TM-18 connection", (peer, stream) => peer.send(head(stream, [["connection", "close"]], END_HEADERS | END_STREAM))],
  [
    "TM-18 transfer_encoding",
    (peer, stream) => peer.send(head(stream, [["transfer_encoding", "chunked"]], END_HEADERS | END_STREAM)),
  ],
  [
    "TM-18 content_length",
    (peer, stream) => peer.send(head(stream, [["content_length", "0"]]), data(stream, "hello", END_STREAM)),
  ],
  ["TM-18 no status", (peer, stream) => peer.send(headers(stream, [["x-a", "b"]]))],
  ["TM-18 two statuses", (peer, stream) => peer.send(headers(stream, [...OK, [":status", "204"]]))],
  ["TM-18 a status of two digits", (peer, stream) => peer.send(headers(stream, [[":status", "20"]]))],
  ["TM-18 a status of 600", (peer, stream) => peer.send(headers(stream, [[":status", "600"]]))],
  ["TM-18 a status with CR LF", (peer, stream) => peer.send(headers(stream, [[":status", "200\r\nx: y"]]))],
  ["TM-21 a status of 101", (peer, stream) => peer.send(headers(stream, [[":status", "101"]], END_HEADERS))],
  ["TM-18 a :path in a response", (peer, stream) => peer.send(headers(stream, [...OK, [":path", "/"]]))],
  ["TM-18 a status behind a field", (peer, stream) => peer.send(headers(stream, [["x-a", "b"], ...OK]))],
  ["TM-02 messages in gzip", (peer, stream) =>
    peer.send(
      head(stream, [["content-type", "application/grpc"], ["grpc-encoding", "gzip"]]),
      data(stream, gzipSync(utf8(CANARY))),
      headers(stream, [["grpc-status", "0"]]),
    )],
  [
    "TM-02 a coding that is not known",
    (peer, stream) => peer.send(head(stream, [["content-encoding", "compress"]]), data(stream, CANARY, END_STREAM)),
  ],
  ["TM-02 gzip that is cut off", (peer, stream) =>
    peer.send(
      head(stream, [["content-encoding", "gzip"]]),
      data(stream, gzipSync(utf8("a".repeat(9999))).subarray(0, 20), END_STREAM),
    )],
  [
    "TM-18 a reset within the body",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), frame(FRAME.reset, 0, stream, uint32(2))),
  ],
  [
    "TM-18 a reset without an error within the body",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), frame(FRAME.reset, 0, stream, uint32(0))),
  ],
  ["TM-18 a reset before the head", (peer, stream) => peer.send(frame(FRAME.reset, 0, stream, uint32(2)))],
  ["TM-18 the end of the connection within the body", async (peer, stream) => {
    await peer.send(head(stream), data(stream, "hello"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    peer[Symbol.dispose]();
  }],
  ["TM-18 the end of the connection before the head", (peer) => peer[Symbol.dispose]()],
  [
    "TM-18 an error of the connection within the body",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), frame(FRAME.settings, 0, 0, "12345")),
  ],
  [
    "TM-18 a farewell that leaves the stream out",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), frame(FRAME.goaway, 0, 0, new Uint8Array(8))),
  ],
  [
    "TM-21 PUSH_PROMISE",
    (peer, stream) =>
      peer.send(frame(FRAME.push, END_HEADERS, stream, concatAll([uint32(2), headerBlock([[":status", "200"]])]))),
  ],
  [
    "TM-18 trailers that do not end the stream",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), headers(stream, [["x-t", "1"]], END_HEADERS)),
  ],
  [
    "TM-18 a pseudo header in trailers",
    (peer, stream) => peer.send(head(stream), data(stream, "hello"), headers(stream, [[":status", "200"]])),
  ],
  [
    "TM-24 300 fields",
    (peer, stream) =>
      peer.send(head(stream, Array.from({ length: 300 }, () => ["x-a", "b"] as const), END_HEADERS | END_STREAM)),
  ],
  ["TM-24 a header section of 80 KiB", (peer, stream) =>
    peer.send(
      frame(FRAME.headers, END_STREAM, stream, headerBlock(OK)),
      ...Array.from({ length: 5 }, (_, at) =>
        frame(FRAME.continuation, at === 4 ? END_HEADERS : 0, stream, headerBlock([["x-a", "b".repeat(16_000)]]))),
    )],
  ["TM-24 header frames without an end", async (peer, stream) => {
    await peer.send(frame(FRAME.headers, 0, stream, headerBlock(OK)));
    for (let at = 0; at < 4000; at++) {
      await peer.send(frame(FRAME.continuation, 0, stream, headerBlock([["x-a", "b".repeat(16_000)]])));
    }
  }],
  ["TM-24 early hints without an end", async (peer, stream) => {
    const hints = concatAll(
      Array.from({ length: 100 }, () => headers(stream, [[":status", "103"], ["x-a", "b"]], END_HEADERS)),
    );
    for (let at = 0; at < 1000; at++) await peer.send(hints);
  }],
];

for (const [why, answer] of BROKEN) {
  Deno.test(`${why}, of a host of HTTP/2, is no whole answer, and the next stream has its own`, async () => {
    await using lab = await openLab({
      rawHttp2: (peer, stream, at) => at === 0 ? answer(peer, stream, at) : peer.send(...whole(stream, "next")),
    });
    using client = await Http2Client.open(lab);
    // A method that is not sent again.
    const got = await ask(client, { ":method": "POST", authorization: `Bearer ${lab.token}` });
    assert.ok(!got.whole || got.status === 502, text(got));
    assert.ok(!text(got).includes(CANARY), text(got));
    const next = await ask(client, { ":path": "/next" });
    assert.deepEqual([next.status, next.body, next.whole], [200, "next", true]);
  });
}

/** What a host may do, and what the client gets then. */
const GOOD: readonly (readonly [why: string, method: string, answer: AnswerRaw, got: readonly [number, string]])[] = [
  [
    "a response without a body to HEAD",
    "HEAD",
    (peer, stream) => peer.send(head(stream, [["content-length", "5"]], END_HEADERS | END_STREAM)),
    [200, ""],
  ],
  ["204 without a body", "GET", (peer, stream) => peer.send(headers(stream, [[":status", "204"]])), [204, ""]],
  [
    "304 with a length",
    "GET",
    (peer, stream) => peer.send(headers(stream, [[":status", "304"], ["content-length", "5"]])),
    [304, ""],
  ],
  ["a farewell that lets the stream end", "GET", async (peer, stream) => {
    await peer.send(frame(FRAME.goaway, 0, 0, concatAll([uint32(stream), uint32(0)])), head(stream));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await peer.send(data(stream, "hello", END_STREAM));
  }, [200, "hello"]],
  [
    "a name in upper case, which is left out",
    "GET",
    (peer, stream) => peer.send(head(stream), data(stream, "hello", END_STREAM)),
    [200, "hello"],
  ],
];

for (const [why, method, answer, got] of GOOD) {
  Deno.test(`TM-18 ${why}, of a host of HTTP/2, is carried as it is, and the next stream has its own answer`, async () => {
    await using lab = await openLab({
      rawHttp2: (peer, stream, at) => at === 0 ? answer(peer, stream, at) : peer.send(...whole(stream, "next")),
    });
    using client = await Http2Client.open(lab);
    const first = await ask(client, { ":method": method });
    assert.deepEqual([first.status, first.body, first.whole], [...got, true]);
    const next = await ask(client, { ":path": "/next" });
    assert.deepEqual([next.status, next.body, next.whole], [200, "next", true]);
    assert.equal(lab.rawHttp2Host!.connections, why.startsWith("a farewell") ? 2 : 1);
  });
}

Deno.test("TM-18 a body behind 204 or HEAD, of a host of HTTP/2, is not taken for anything", async () => {
  for (const [method, status] of [["GET", "204"], ["HEAD", "200"]] as const) {
    await using lab = await openLab({
      rawHttp2: (peer, stream, at) =>
        at === 0
          ? peer.send(headers(stream, [[":status", status]], END_HEADERS), data(stream, "planted", END_STREAM))
          : peer.send(...whole(stream, "next")),
    });
    using client = await Http2Client.open(lab);
    const got = await ask(client, { ":method": method });
    assert.ok(!text(got).includes("planted"));
    const next = await ask(client, { ":path": "/next" });
    assert.deepEqual([next.status, next.body, next.whole], [200, "next", true]);
  }
});

Deno.test("TM-01 trailers that frame or route do not go on", async () => {
  await using lab = await openLab({
    rawHttp2: (peer, stream) =>
      peer.send(
        head(stream),
        data(stream, "hello"),
        headers(stream, [["x-t", "1"], ["content-length", "5"], ["host", "other.test"], ["trailer", "a"]]),
      ),
  });
  using client = await Http2Client.open(lab);
  const got = await ask(client, {});
  assert.equal(got.status, 200);
  assert.equal(got.trailers["x-t"], "1");
  assert.equal(got.trailers["content-length"], undefined);
  assert.equal(got.trailers["host"], undefined);
});

Deno.test("TM-11 what would lead a client of HTTP/2 round the proxy does not go on", async () => {
  await using lab = await openLab({
    rawHttp2: (peer, stream) =>
      peer.send(
        // ALTSVC and ORIGIN (RFC 7838, RFC 8336).
        frame(10, 0, 0, '\x00\x10https://api.testh2=":81"'),
        frame(12, 0, 0, "\x00\x12https://other.test"),
        head(stream, [["alt-svc", 'h2=":81"']]),
        data(stream, "hello", END_STREAM),
      ),
  });
  using client = await RawHttp2.open(lab);
  await client.send(headers(1, [[":method", "GET"], [":scheme", "https"], [":authority", "api.test"], [":path", "/"]]));
  const types: number[] = [];
  await client.until(({ type, flags }) => {
    types.push(type);
    return type === FRAME.data && (flags & END_STREAM) !== 0;
  });
  assert.ok(!types.includes(10) && !types.includes(12));
  using other = await Http2Client.open(lab);
  const got = await ask(other, {});
  assert.equal(got.headers["alt-svc"], undefined);
});
