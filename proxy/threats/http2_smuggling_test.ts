import assert from "node:assert/strict";
import { concatAll } from "../concat.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { CANARY, openLab } from "../testing/lab.ts";
import {
  data,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  headers,
  type Outcome,
  PADDED,
  PREFACE,
  type RawField,
  RawHttp2,
  request,
  settings,
  uint32,
} from "../testing/raw_http2.ts";
import { http2Cases } from "../testing/smuggling/http2_cases.ts";

/** A lab whose host remembers which requests came to their end. */
async function openHttp2Lab() {
  const whole: string[] = [];
  const lab = await openLab({
    in: ["header:Authorization", "header:X-Api-Key"],
    http2: (stream, { ":path": path = "" }) => {
      let ended = false;
      stream.on("data", () => {});
      stream.on("end", () => {
        ended = !stream.aborted;
        if (!stream.destroyed) {
          stream.respond({ ":status": 200 });
          stream.end("hello");
        }
      });
      stream.on("close", () => ended && stream.rstCode === 0 && whole.push(path));
    },
  });
  return { lab, whole, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
}

const good = (stream: number, at: string) => headers(stream, request([], { path: `/good-${at}` }));

function inWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case "status":
      return `${outcome.status}${outcome.whole ? "" : " cut"}`;
    case "closed":
      return outcome.kind;
    default:
      return `${outcome.kind} ${outcome.code}`;
  }
}

for (const [at, { why }] of http2Cases("", "").entries()) {
  Deno.test(`${why}, over HTTP/2, reaches no host`, async () => {
    await using opened = await openHttp2Lab();
    const { lab, whole } = opened;
    const { frames, end } = http2Cases(lab.token, lab.secondToken)[at]!;
    using other = await RawHttp2.open(lab);
    await other.send(good(1, "before"));
    assert.equal(inWords(await other.outcome(1)), "200");
    using client = await RawHttp2.open(lab);
    await client.send(...frames);
    const outcome = await client.outcome(1);
    const [code] = lab.refusals.map(({ code }) => code);
    assert.equal(inWords(outcome) + (code === undefined ? "" : ` ${code}`), end);
    assert.ok(lab.refusals.length <= 1);
    if (outcome.kind === "status" && outcome.body !== "") assert.ok(outcome.body.includes(`"${code}"`));
    const kept = outcome.kind !== "goaway";
    // A fault of one stream leaves the others of its connection as they are, one of a connection all others.
    if (kept) {
      await client.send(good(5, "beside"));
      assert.equal(inWords(await client.outcome(5)), "200");
    }
    await other.send(good(3, "after"));
    assert.equal(inWords(await other.outcome(3)), "200");
    assert.deepEqual(whole, ["/good-before", ...kept ? ["/good-beside"] : [], "/good-after"]);
    assert.ok(!JSON.stringify(lab.http2Host!.seen).includes(CANARY));
    assert.ok(!JSON.stringify(lab.http2Host!.seen).includes("smuggled"));
  });
}

const USUAL = { ":method": "GET", ":scheme": "https", ":authority": "api.test", ":path": "/" };
/** What the proxy writes itself. */
const OWN = { "accept-encoding": "identity", te: "trailers" };
const get = (fields: readonly RawField[], options = {}) => [headers(1, request(fields, options))];
const startPost = headers(1, request([], { method: "POST" }), END_HEADERS);

/** What is within the grammar, and what the host then reads. */
const ODD: readonly (readonly [why: string, frames: readonly Uint8Array[], read: Readonly<Record<string, string>>])[] =
  [
    ["no http2-settings", get([["http2-settings", "AAMAAABkAAQAAP__"]]), {}],
    ["no proxy-authorization", get([["proxy-authorization", "Basic a"]]), {}],
    ["no accept-encoding of the client's", get([["accept-encoding", "gzip"]]), {}],
    ["no grpc-accept-encoding", get([["grpc-accept-encoding", "gzip"]]), {}],
    [
      "the host, for a host alone",
      [headers(1, [...request().filter(([name]) => name !== ":authority"), ["host", "api.test"]])],
      {},
    ],
    ["the host in one spelling, for capitals", get([], { host: "API.Test" }), {}],
    ["the host in one spelling, for a port", get([], { host: "api.test:443" }), {}],
    ["the host in one spelling, for a dot", get([], { host: "api.test." }), {}],
    ["one cookie, for two", get([["cookie", "a=b"], ["x-a", "b"], ["cookie", "c=d"]]), {
      "x-a": "b",
      cookie: "a=b; c=d",
    }],
    ["bytes above ASCII as they are", get([["x-a", "\xc3\xa4\xff"]]), { "x-a": "\xc3\xa4\xff" }],
    ["__proto__ as a name", get([["__proto__", "b"]]), JSON.parse('{"__proto__":"b"}')],
    ["a path of two slashes", get([], { path: "//other.test/a" }), { ":path": "//other.test/a" }],
    ["a request with padding", [
      frame(
        FRAME.headers,
        PADDED | END_HEADERS | END_STREAM,
        1,
        concatAll([Uint8Array.of(9), headerBlock(request()), new Uint8Array(9)]),
      ),
    ], {}],
    ["a request in three frames of headers", [
      frame(FRAME.headers, END_STREAM, 1),
      frame(FRAME.continuation, 0, 1, headerBlock(request()).subarray(0, 20)),
      frame(FRAME.continuation, END_HEADERS, 1, headerBlock(request()).subarray(20)),
    ], {}],
    ["a request behind an unknown frame", [frame(0xbe, 0xff, 0, "a"), frame(0xbe, 0xff, 1, "a"), ...get([])], {}],
    [
      "a request behind a priority",
      [frame(FRAME.priority, 0, 1, concatAll([uint32(3), Uint8Array.of(1)])), ...get([])],
      {},
    ],
    [
      "a request behind a farewell",
      [frame(FRAME.goaway, 0, 0, concatAll([uint32(0), uint32(2)])), ...get([])],
      {},
    ],
    ["a request behind unknown settings", [settings([[0xf0, 7], [8, 1]]), ...get([])], {}],
  ];

for (const [why, frames, read] of ODD) {
  Deno.test(`TM-18 over HTTP/2, the host reads ${why}`, async () => {
    await using opened = await openHttp2Lab();
    using client = await RawHttp2.open(opened.lab);
    await client.send(...frames);
    assert.equal(inWords(await client.outcome(1)), "200");
    const [seen] = opened.lab.http2Host!.seen;
    assert.deepEqual(new Map(Object.entries(seen!)), new Map(Object.entries({ ...USUAL, ...read, ...OWN })));
    assert.deepEqual(opened.lab.refusals, []);
  });
}

/** Requests that are left before their end, and how. */
const UNFINISHED: readonly (readonly [why: string, leave: (client: RawHttp2) => Promise<void> | void])[] = [
  ["a reset", (client) => client.send(frame(FRAME.reset, 0, 1, uint32(8)))],
  ["a reset without an error", (client) => client.send(frame(FRAME.reset, 0, 1, uint32(0)))],
  ["the end of the connection", (client) => client[Symbol.dispose]()],
  ["an error of the connection", (client) => client.send(frame(FRAME.settings, 0, 0, "12345"))],
  ["a farewell and the end", async (client) => {
    await client.send(frame(FRAME.goaway, 0, 0, new Uint8Array(8)));
    client[Symbol.dispose]();
  }],
];

for (const http2 of [true, false]) {
  for (const [why, leave] of UNFINISHED) {
    Deno.test(`TM-18 ${why} within a body is no end of it for a host of HTTP/${http2 ? "2" : "1.1"}`, async () => {
      const ends: string[] = [];
      await using lab = await openLab(
        http2
          ? {
            http2: (stream) => {
              let ended = false;
              stream.on("data", () => {});
              stream.on("end", () => ended = true);
              stream.on("close", () => ends.push(ended && !stream.aborted && stream.rstCode === 0 ? "whole" : "cut"));
            },
          }
          : {},
      );
      using client = await RawHttp2.open(lab);
      await client.send(startPost, data(1, "hello"));
      await until(() => http2 ? lab.http2Host!.seen.length > 0 : lab.upstream.received !== "");
      await leave(client);
      await until(() => http2 ? ends.length > 0 : lab.upstream.open === 0);
      assert.deepEqual(http2 ? ends : lab.upstream.requests, http2 ? ["cut"] : []);
    });
  }
}

Deno.test("TM-18 a body behind a length of 0 is an error, and no host sees it", async () => {
  await using opened = await openHttp2Lab();
  using client = await RawHttp2.open(opened.lab);
  await client.send(
    headers(1, request([["content-length", "0"]], { method: "POST" }), END_HEADERS),
    data(1, "GET /smuggled HTTP/1.1\r\n\r\n", END_STREAM),
  );
  assert.equal(inWords(await client.outcome(1)), "reset 1");
  // Its head said that this is all.
  assert.ok(opened.lab.http2Host!.seen.every((seen) => seen["content-length"] === "0"));
});

Deno.test("TM-18 DATA behind the end of a stream is an error of the connection", async () => {
  await using opened = await openHttp2Lab();
  using client = await RawHttp2.open(opened.lab);
  await client.send(startPost, data(1, "hello", END_STREAM), data(1, "more", END_STREAM));
  assert.equal(inWords(await client.outcome(1)), "goaway 5");
});

Deno.test("TM-18 a stream whose number has passed is not opened", async () => {
  await using opened = await openHttp2Lab();
  using client = await RawHttp2.open(opened.lab);
  await client.send(good(7, "first"));
  assert.equal(inWords(await client.outcome(7)), "200");
  await client.send(good(5, "late"), good(9, "next"));
  await client.until(({ stream, type }) => stream === 9 || type === FRAME.goaway);
  assert.ok(!opened.whole.includes("/good-late"));
});

Deno.test("TM-21 HTTP/2 without TLS is not spoken with the proxy itself, nor in a tunnel", async () => {
  await using lab = await openLab();
  const bytes = decodeLatin1(concatAll([PREFACE, settings(), headers(1, request())]));
  assert.match(await lab.raw(bytes), /^HTTP\/1\.1 (400|505) /);
  assert.match(await lab.inside(bytes), /^HTTP\/1\.1 (400|505) /);
  const login = `Proxy-Authorization: Basic ${btoa(`kz:${lab.login.password}`)}`;
  const answer = await lab.raw(
    `CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n${login}\r\n\r\n${bytes}`,
  );
  assert.equal(answer, "HTTP/1.1 200 Connection Established\r\n\r\n");
  assert.equal(lab.upstream.connections, 0);
});

Deno.test("TM-21 HTTP/1.1 in a tunnel that agreed on HTTP/2 is not served", async () => {
  await using lab = await openLab();
  using client = await RawHttp2.open(lab, encodeLatin1("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"));
  assert.match(inWords(await client.outcome(1)), /^(goaway|closed)/);
  assert.equal(lab.upstream.connections, 0);
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds(), "nothing came in time");
}
