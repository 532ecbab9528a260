import assert from "node:assert/strict";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { concatAll } from "../concat.ts";
import { FRAME, frame, headers, PREFACE, RawHttp2, request, settings, uint32 } from "../testing/raw_http2.ts";
import { answerOf, Http2Client } from "../testing/http2_client.ts";
import { CANARY, type Lab, okay, openLab } from "../testing/lab.ts";

/** A message as gRPC frames it: a flag, four bytes of length. */
function message(text: string): Uint8Array {
  const bytes = new Uint8Array(5 + text.length);
  new DataView(bytes.buffer).setUint32(1, text.length);
  bytes.set(encodeLatin1(text), 5);
  return bytes;
}

const GRPC = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };

/** Sends back what it got, value included: in a field, in the body and in a trailer. */
function echo(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const seen = headers.authorization ?? "";
  stream.respond({ ":status": 200, "content-type": "application/grpc", "x-seen": seen }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "7", "grpc-message": `no: ${seen}` }));
  stream.write(message(`head:${seen}`));
  stream.on("data", (piece) => stream.write(piece));
  stream.on("end", () => stream.end());
}

const bearer = (lab: Lab) => ({ authorization: `Bearer ${lab.token}` });

Deno.test("HTTP/2: a call goes out with the value and comes back without it, trailers too [P-5.1] TM-01", async () => {
  await using lab = await openLab({ http2: echo });
  using client = await Http2Client.open(lab);
  const answer = await client.ask({ ...GRPC, ":path": "/a.B/C", ...bearer(lab) }, message("body"));
  assert.equal(lab.http2Host?.seen[0]?.authorization, `Bearer ${CANARY}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.fields.get("x-seen"), `Bearer ${lab.token}`);
  // A message says how long it is before it begins: its length stays.
  const cut = lab.token.slice(0, CANARY.length);
  assert.equal(decodeLatin1(answer.body), decodeLatin1(message(`head:Bearer ${cut}`)) + decodeLatin1(message("body")));
  assert.equal(answer.trailers.get("grpc-status"), "7");
  assert.equal(answer.trailers.get("grpc-message"), `no: Bearer ${lab.token}`);
  assert.equal(answer.errorCode, constants.NGHTTP2_NO_ERROR);
});

Deno.test("HTTP/2: the host sees the fields of the call and no others [P-5.1]", async () => {
  await using lab = await openLab({ http2: echo });
  using client = await Http2Client.open(lab);
  await client.ask(
    { ...GRPC, ":path": "/a.B/C?x=1", "x-a": ["1", "2"], "grpc-accept-encoding": "gzip" },
    message("m"),
  );
  const [seen] = lab.http2Host?.seen ?? [];
  assert.deepEqual(Object.fromEntries(Object.entries(seen ?? {})), {
    ":method": "POST",
    ":scheme": "https",
    ":authority": "api.test",
    ":path": "/a.B/C?x=1",
    "content-type": "application/grpc",
    "x-a": "1, 2",
    "accept-encoding": "identity",
    te: "trailers",
  });
});

Deno.test("HTTP/2: an answer to the first message comes before the second is sent, whatever it ends in [P-5.1]", async () => {
  // The last character is held back elsewhere, since a value may begin with it.
  const [one, two] = [`one ${CANARY[0]}`, `two ${CANARY[0]}`];
  await using lab = await openLab({ http2: echo });
  using client = await Http2Client.open(lab);
  const stream = client.session.request({ ...GRPC, ":path": "/chat", ...bearer(lab) });
  const answer = answerOf(stream);
  let seen = "";
  stream.on("data", (piece: Uint8Array) => seen += decodeLatin1(piece));
  const arrived = async (text: string) => {
    while (!seen.includes(text)) await new Promise((resolve) => stream.once("data", resolve));
  };
  const first = arrived(one);
  stream.write(message(one));
  await first;
  const second = arrived(two);
  stream.write(message(two));
  await second;
  stream.end();
  assert.match(decodeLatin1((await answer).body), /one c[^]{5}two c$/);
});

Deno.test("HTTP/2: streams share one connection to the host, and each gets its own answer [P-5.1]", async () => {
  await using lab = await openLab({ http2: echo });
  using client = await Http2Client.open(lab);
  const answers = await Promise.all(
    Array.from(
      { length: 50 },
      (_, n) => client.ask({ ...GRPC, ":path": `/${n}`, ...bearer(lab) }, message(`message ${n};`)),
    ),
  );
  answers.forEach(({ body }, n) => assert.match(decodeLatin1(body), new RegExp(`message ${n};$`)));
  assert.equal(lab.http2Host?.sessions, 1);
});

Deno.test("HTTP/2: a host that takes two streams at one time gets more connections, and none outlives the tunnel [P-5.1]", async () => {
  let go = () => {};
  const all = new Promise<void>((resolve) => go = resolve);
  await using lab = await openLab({
    maxStreams: 2,
    http2: (stream, { ":path": path }) =>
      void (path === "/first" ? Promise.resolve() : all).then(() => {
        stream.respond({ ":status": 200 });
        stream.end("hello");
      }),
  });
  const client = await Http2Client.open(lab);
  await client.ask({ ":path": "/first" });
  const asked = Array.from({ length: 6 }, (_, at) => client.ask({ ":path": `/${at}` }));
  await until(() => lab.http2Host!.seen.length === 7);
  assert.equal(lab.http2Host!.sessions, 3);
  go();
  for (const answer of asked) assert.equal((await answer).status, 200);
  client[Symbol.dispose]();
  await until(() => lab.http2Host!.open === 0);
});

Deno.test("HTTP/2: eight megabytes go both ways within the windows [P-5.1]", async () => {
  await using lab = await openLab({ http2: echo });
  using client = await Http2Client.open(lab);
  const body = new Uint8Array(8 * 1024 * 1024).fill(0x61);
  const answer = await client.ask({ ...GRPC, ":path": "/big" }, body);
  assert.equal(answer.body.length, message("head:").length + body.length);
});

Deno.test("HTTP/2: a host of HTTP/1.1 serves a client of HTTP/2, with a length, in chunks and without a body [P-5.1]", async () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n";
  await using lab = await openLab({
    respond: (request) =>
      request.startsWith("GET /chunked")
        ? chunked
        : request.startsWith("HEAD")
        ? okay("").replace(": 0", ": 5")
        : okay(CANARY),
  });
  using client = await Http2Client.open(lab);
  const whole = await client.ask({ ":path": "/whole", ...bearer(lab) });
  assert.equal(decodeLatin1(whole.body), lab.token);
  const late = await client.ask({ ":path": "/chunked" });
  assert.deepEqual([decodeLatin1(late.body), late.trailers.get("x-late")], ["hello", "1"]);
  const head = await client.ask({ ":method": "HEAD", ":path": "/head" });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
  assert.match(
    lab.upstream.requests[0] ?? "",
    new RegExp(`^GET /whole HTTP/1.1\\r\\nHost: api.test\\r\\n[^]*Bearer ${CANARY}`),
  );
});

Deno.test("HTTP/2: an answer of trailers alone, as gRPC gives it [P-5.1] TM-01", async () => {
  await using lab = await openLab({
    http2: (stream, { authorization }) =>
      stream.respond({ ":status": 200, "grpc-status": "16", "grpc-message": `not ${authorization}` }, {
        endStream: true,
      }),
  });
  using client = await Http2Client.open(lab);
  const answer = await client.ask({ ...GRPC, ":path": "/a", ...bearer(lab) }, message("m"));
  assert.equal(answer.fields.get("grpc-status"), "16");
  assert.equal(answer.fields.get("grpc-message"), `not Bearer ${lab.token}`);
  assert.equal(answer.body.length, 0);
});

Deno.test("HTTP/2: a client that leaves ends the call at the host [P-5.1]", async () => {
  const gone = Promise.withResolvers<number>();
  await using lab = await openLab({
    http2(stream) {
      stream.respond({ ":status": 200 });
      stream.write("begun");
      stream.on("close", () => gone.resolve(stream.rstCode ?? -1));
    },
  });
  using client = await Http2Client.open(lab);
  const stream = client.session.request({ ...GRPC, ":path": "/watch", ...bearer(lab) });
  stream.on("error", () => {});
  await new Promise((resolve) => stream.once("data", resolve));
  stream.close(constants.NGHTTP2_CANCEL);
  assert.notEqual(await gone.promise, constants.NGHTTP2_NO_ERROR);
});

const ENDINGS: readonly [why: string, end: (stream: ServerHttp2Stream, lab: Lab) => void][] = [
  ["resets the stream", (stream) => void stream.destroy(new Error("reset"))],
  ["closes its connection", (_, lab) => lab.http2Host?.cut()],
];
for (const [why, end] of ENDINGS) {
  Deno.test(`HTTP/2: a host that ${why} within an answer resets the client's stream, and the next call is served [P-5.1]`, async () => {
    await using lab = await openLab({
      http2(stream, headers) {
        if (headers[":path"] !== "/cut") return echo(stream, headers);
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write("begun", () => setTimeout(() => end(stream, lab), 20));
      },
    });
    using client = await Http2Client.open(lab);
    const answer = await client.ask({ ...GRPC, ":path": "/cut" }, message("m"));
    assert.equal(answer.errorCode, constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal((await client.ask({ ...GRPC, ":path": "/next" }, message("m"))).status, 200);
  });
}

const REFUSED: readonly [
  why: string,
  ask: (lab: Lab, client: Http2Client) => ReturnType<Http2Client["ask"]>,
  status: number,
  code: string,
][] = [
  [
    "TM-05 a token in the path",
    (lab, client) => client.ask({ ":path": `/${lab.token}` }),
    403,
    "PROXY_TOKEN_MISPLACED",
  ],
  [
    "TM-15 a token of another host's",
    (lab, client) => client.ask({ ":path": "/", authorization: `Bearer ${lab.secondToken}` }),
    403,
    "POLICY_SECRET_HOST_DENIED",
  ],
  [
    "TM-08 another authority",
    (lab, client) => client.ask({ ":path": "/", ":authority": "other.test", ...bearer(lab) }),
    421,
    "HTTP_HOST_MISMATCH",
  ],
  [
    "TM-05 messages that are compressed",
    (lab, client) => client.ask({ ...GRPC, ":path": "/", "grpc-encoding": "gzip", ...bearer(lab) }, message("m")),
    415,
    "PROXY_BODY_ENCODED",
  ],
  [
    "TM-17 a value that was learned elsewhere",
    (_, client) => client.ask({ ":path": "/", "x-note": CANARY }),
    403,
    "POLICY_VALUE_OUTGOING",
  ],
];
for (const [why, ask, status, code] of REFUSED) {
  Deno.test(`HTTP/2: ${why} is refused, and nothing goes out [P-5.1]`, async () => {
    await using lab = await openLab({ http2: echo });
    using client = await Http2Client.open(lab);
    const answer = await ask(lab, client);
    assert.equal(answer.status, status);
    assert.equal(lab.refusals[0]?.code, code);
    assert.deepEqual(lab.http2Host?.seen, []);
    // The connection goes on.
    assert.equal((await client.ask({ ...GRPC, ":path": "/next" }, message("m"))).status, 200);
  });
}

Deno.test("TM-05 HTTP/2: a token in a message ends the call, and does not go out [P-5.1]", async () => {
  let received = "";
  await using lab = await openLab({
    http2(stream) {
      stream.on("data", (piece: Uint8Array) => received += decodeLatin1(piece));
    },
  });
  using client = await Http2Client.open(lab);
  const answer = await client.ask({ ...GRPC, ":path": "/", ...bearer(lab) }, message(`x${lab.token}`));
  assert.notEqual(answer.status, 200);
  assert.equal(lab.refusals[0]?.code, "PROXY_TOKEN_MISPLACED");
  assert.ok(!received.includes(lab.token));
});

Deno.test("TM-02 HTTP/2: an answer whose messages are compressed is refused [P-5.1]", async () => {
  await using lab = await openLab({
    http2(stream) {
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-encoding": "gzip" });
      stream.end("compressed");
    },
  });
  using client = await Http2Client.open(lab);
  const answer = await client.ask({ ...GRPC, ":path": "/", ...bearer(lab) }, message("m"));
  assert.equal(answer.status, 502);
  assert.equal(lab.refusals[0]?.code, "PROXY_RESPONSE_ENCODED");
});

Deno.test("TM-21 a client that offers h2 and http/1.1 is served over http/1.1", async () => {
  await using lab = await openLab({ http2: echo });
  using tls = await lab.tunnel("api.test:443", { protocols: ["h2", "http/1.1"] });
  assert.equal((await tls.handshake()).alpnProtocol, "http/1.1");
});

Deno.test("HTTP/2: answers that nobody reads to their end give their share of the window back [P-5.1] TM-24", async () => {
  await using lab = await openLab({
    http2(stream) {
      stream.respond({ ":status": 200 });
      stream.end(new Uint8Array(40_000));
    },
  });
  // So that nothing of an answer goes on to this client.
  using idle = await RawHttp2.open(lab, concatAll([PREFACE, settings([[4, 0]])]));
  for (let at = 0; at < 12; at++) {
    const stream = 1 + 2 * at;
    await idle.send(headers(stream, request()));
    await idle.until((next) => next.type === FRAME.headers && next.stream === stream);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await idle.send(frame(FRAME.reset, 0, stream, uint32(8)));
  }
  assert.equal(lab.http2Host!.sessions, 1);
  await idle.send(settings([[4, 100_000]]), headers(101, request()));
  assert.deepEqual(await idle.outcome(101).then(({ kind, ...rest }) => [kind, "body" in rest && rest.body.length]), [
    "status",
    40_000,
  ]);
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds(), "it did not come in time");
}
