import assert from "node:assert/strict";
import { concatAll } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { CLOSE, type Lab, okay, openLab, utf8 } from "../testing/lab.ts";
import {
  ACK,
  data,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  headers,
  PADDED,
  PREFACE,
  prefixed,
  RawHttp2,
  request,
  settings,
  uint32,
} from "../testing/raw_http2.ts";
import { withLimits } from "../testing/with_limits.ts";
import { writeAll } from "../write_all.ts";

const MIB = 1024 * 1024;
/** What an attack may cost at most while it lasts; each of them sends, or asks for, more. */
const MOST_BYTES = 192 * MIB;

/** Another client, of HTTP/1.1. */
async function assertServes(lab: Lab): Promise<void> {
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
}

/** A lab whose host does not answer to `/wait` before the end, and endlessly to `/endless`. */
async function openSlowLab() {
  const end = Promise.withResolvers<void>();
  const lab = await openLab({
    respond: async (head, conn) => {
      if (head.startsWith("GET /endless ")) {
        await writeAll(conn, utf8("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for (let sent = 0; sent < 1024 * MIB; sent += 64_000) {
          await writeAll(conn, utf8(`fa00\r\n${"a".repeat(64_000)}\r\n`));
        }
      }
      if (/^\w+ \/wait /.test(head)) await end.promise;
      return okay("hello");
    },
  });
  return {
    lab,
    async [Symbol.asyncDispose]() {
      end.resolve();
      await lab[Symbol.asyncDispose]();
    },
  };
}

const wait = (stream: number) => headers(stream, request([], { path: "/wait" }));
const openPost = headers(1, request([], { method: "POST", path: "/wait" }), END_HEADERS);
const many = (count: number, make: (at: number) => Uint8Array) =>
  concatAll(Array.from({ length: count }, (_, at) => make(at)));
/** A field that goes into the table, and 8,000 references to it: 32 MB in 12 KB. */
const bomb = concatAll([
  headerBlock(request()),
  Uint8Array.of(0x40),
  prefixed(0, 7, 1),
  utf8("a"),
  prefixed(0, 7, 4000),
  new Uint8Array(4000).fill(98),
  new Uint8Array(8000).fill(0xbe),
]);

/** What is sent again and again until the connection ends, at most so many times; the client reads nothing. */
const FLOODS: readonly (readonly [why: string, first: Uint8Array, times: number, part: (at: number) => Uint8Array])[] =
  [
    ["SETTINGS", settings(), 50, () => many(4000, () => settings([[1, 0]]))],
    ["SETTINGS that move the windows", openPost, 50, () => many(4000, (at) => settings([[4, at]]))],
    ["PING", settings(), 50, () => many(4000, () => frame(FRAME.ping, 0, 0, "12345678"))],
    [
      "PRIORITY",
      settings(),
      50,
      () => many(4000, () => frame(FRAME.priority, 0, 1, concatAll([uint32(3), new Uint8Array(1)]))),
    ],
    ["frames of an unknown type", settings(), 50, () => many(4000, () => frame(0xbe, 0, 0, "a".repeat(16)))],
    ["farewells", settings(), 50, () => many(4000, () => frame(FRAME.goaway, 0, 0, new Uint8Array(8)))],
    ["farewells of 16 MiB", settings(), 8, () => frame(FRAME.goaway, 0, 0, new Uint8Array(16 * MIB - 1))],
    ["empty DATA", openPost, 50, () => many(4000, () => data(1, ""))],
    [
      "DATA that is padding",
      openPost,
      50,
      () => many(400, () => frame(FRAME.data, PADDED, 1, concatAll([Uint8Array.of(255), new Uint8Array(255)]))),
    ],
    [
      "CONTINUATION",
      frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
      1000,
      () => frame(FRAME.continuation, 0, 1, headerBlock([["x-a", "b".repeat(16_000)]])),
    ],
    [
      "empty CONTINUATION",
      frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
      50,
      () => many(4000, () => frame(FRAME.continuation, 0, 1)),
    ],
    ["window updates", openPost, 50, () => many(4000, () => frame(FRAME.window, 0, 1, uint32(1)))],
    ["streams", settings(), 10, (at) => many(1000, (of) => wait(1 + 2 * (1000 * at + of)))],
    [
      "streams that are reset at once",
      settings(),
      40,
      (at) =>
        many(
          50,
          (of) => concatAll([wait(1 + 2 * (50 * at + of)), frame(FRAME.reset, 0, 1 + 2 * (50 * at + of), uint32(8))]),
        ),
    ],
    [
      "requests that are refused",
      settings(),
      20,
      (at) => many(500, (of) => headers(1 + 2 * (500 * at + of), request([], { method: "TRACE" }))),
    ],
    ["HPACK bombs", settings(), 100, (at) => frame(FRAME.headers, END_HEADERS | END_STREAM, 1 + 2 * at, bomb)],
  ];

for (const [why, first, times, part] of FLOODS) {
  Deno.test(`TM-24 a flood of ${why} over HTTP/2 costs little, and others are served`, async () => {
    await using opened = await openSlowLab();
    const { lab } = opened;
    using client = await RawHttp2.open(lab, concatAll([PREFACE, settings(), first]));
    using memory = new Memory();
    const flood = (async () => {
      for (let at = 0; at < times; at++) await client.send(part(at));
    })().catch(() => {});
    await within(5_000, flood);
    await assertServes(lab);
    assert.ok(memory.growth < MOST_BYTES, `grew by ${memory.growth} bytes`);
    client[Symbol.dispose]();
    await flood;
    await assertServes(lab);
  });
}

Deno.test("TM-24 header fields of 1 MiB over HTTP/2 are not taken", async () => {
  await using opened = await openSlowLab();
  using client = await RawHttp2.open(opened.lab);
  const part = headerBlock([["x-a", "b".repeat(16_000)]]);
  await client.send(
    frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
    ...Array.from({ length: 64 }, (_, at) => frame(FRAME.continuation, at === 63 ? END_HEADERS : 0, 1, part)),
  ).catch(() => {});
  const outcome = await client.outcome(1);
  assert.ok(outcome.kind !== "status" || outcome.status === 431);
  assert.equal(opened.lab.upstream.received, "");
  await assertServes(opened.lab);
});

Deno.test("TM-24 header fields over the limit, in frames that are taken, are answered 431", async () => {
  await using opened = await openSlowLab();
  using client = await RawHttp2.open(opened.lab);
  const part = headerBlock([["x-a", "b".repeat(16_000)]]);
  await client.send(
    frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
    ...Array.from({ length: 5 }, (_, at) => frame(FRAME.continuation, at === 4 ? END_HEADERS : 0, 1, part)),
  );
  const outcome = await client.outcome(1);
  assert.ok(outcome.kind === "status" && outcome.status === 431, JSON.stringify(outcome));
  assert.equal(opened.lab.upstream.received, "");
});

/** Windows of a client that reads nothing. */
const UNREAD: readonly (readonly [why: string, window: number, more: number])[] = [
  ["no window", 0, 0],
  ["a window of one byte", 1, 0],
  ["the usual window", 65_535, 0],
  ["a window of 2 GiB", 0x7fffffff, 0x7fffffff - 65_535],
];

for (const [why, window, more] of UNREAD) {
  Deno.test(`TM-24 a client of HTTP/2 with ${why} that never reads does not fill the memory`, async () => {
    await using opened = await openSlowLab();
    const { lab } = opened;
    const first = concatAll([
      PREFACE,
      settings([[4, window]]),
      more > 0 ? frame(FRAME.window, 0, 0, uint32(more)) : new Uint8Array(0),
    ]);
    using memory = new Memory();
    using client = await RawHttp2.open(lab, first);
    await client.send(...Array.from({ length: 4 }, (_, at) => headers(1 + 2 * at, request([], { path: "/endless" }))));
    for (let tries = 0; tries < 15; tries++) {
      await sleep(100);
      await assertServes(lab);
    }
    assert.ok(memory.growth < MOST_BYTES, `grew by ${memory.growth} bytes`);
  });
}

Deno.test("TM-24 an upload over HTTP/2 to a host that never reads stays where it is", async () => {
  await using lab = await openLab({
    http2: (stream, { ":path": path }) => {
      if (path === "/wait") return;
      stream.respond({ ":status": 200 });
      stream.end("hello");
    },
  });
  using client = await RawHttp2.open(lab);
  await client.send(openPost);
  // As much as the windows let go, which grow by what is taken.
  const windows = [65_535, 65_535];
  let sent = 0;
  const grow = ({ type, stream, payload }: { type: number; stream: number; payload: Uint8Array }) => {
    if (type !== FRAME.window) return false;
    windows[stream === 0 ? 0 : 1]! += new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    return true;
  };
  for (const until = Date.now() + 1_500; Date.now() < until && sent < 64 * MIB;) {
    if (Math.min(...windows) < 16_000) {
      if (await Promise.race([client.until(grow), sleep(1_500)]) === undefined) break;
      continue;
    }
    await client.send(data(1, new Uint8Array(16_000)));
    windows.forEach((_, at) => windows[at]! -= 16_000);
    sent += 16_000;
  }
  assert.ok(sent < MIB, `${sent} bytes were taken`);
  using other = await RawHttp2.open(lab);
  await other.send(headers(1, request()));
  assert.equal((await other.outcome(1)).kind, "status");
});

for (const agreed of [true, false]) {
  Deno.test(`TM-24 a stream beyond the limit, which was ${agreed ? "" : "not yet "}agreed to, is not served`, async () => {
    await using opened = await openSlowLab();
    using client = await RawHttp2.open(opened.lab);
    await client.until(({ type }) => type === FRAME.settings);
    if (agreed) await client.send(frame(FRAME.settings, ACK, 0));
    const open = LIMITS.http2Streams;
    await client.send(...Array.from({ length: open }, (_, at) => wait(1 + 2 * at)));
    await client.send(headers(1 + 2 * open, request()));
    const outcome = await client.outcome(1 + 2 * open);
    assert.deepEqual(outcome, { kind: "reset", code: 7 });
    assert.ok(!opened.lab.upstream.requests.some((head) => head.startsWith("GET / ")));
    await client.send(frame(FRAME.reset, 0, 1, uint32(8)), headers(3 + 2 * open, request()));
    assert.equal((await client.outcome(3 + 2 * open)).kind, "status");
    await assertServes(opened.lab);
  });
}

Deno.test("TM-24 a client of HTTP/2 that stops in its preface holds nobody up", async () => {
  await using opened = await openSlowLab();
  const stalled = await Promise.all(
    Array.from({ length: 50 }, () => RawHttp2.open(opened.lab, PREFACE.subarray(0, 20))),
  );
  await assertServes(opened.lab);
  for (const client of stalled) client[Symbol.dispose]();
});

Deno.test("TM-24 clients of HTTP/2 that left, in whatever state, take no connection of the proxy's", async () => {
  await using opened = await openSlowLab();
  const { lab } = opened;
  const states = [
    PREFACE.subarray(0, 3),
    PREFACE,
    concatAll([PREFACE, settings()]),
    concatAll([PREFACE, settings(), wait(1)]),
    concatAll([PREFACE, settings(), openPost]),
  ];
  await withLimits({ connections: 4 }, async () => {
    for (let at = 0; at < 20; at++) {
      using client = await RawHttp2.open(lab, states[at % states.length]!);
      await sleep(20);
      client[Symbol.dispose]();
      await sleep(100);
    }
    await assertServes(lab);
  });
});

/** Watches how much memory the process has got more than before. */
class Memory implements Disposable {
  readonly #before = Deno.memoryUsage().rss;
  #most = this.#before;
  readonly #timer = setInterval(() => this.#look(), 20);

  #look(): void {
    this.#most = Math.max(this.#most, Deno.memoryUsage().rss);
  }

  get growth(): number {
    this.#look();
    return this.#most - this.#before;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}

/** Waits for a promise, but not longer than so many milliseconds. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Frames that make work and carry nothing; each of them is answered, or remembered. */
const CHEAP: readonly (readonly [why: string, bytes: (at: number) => Uint8Array])[] = [
  ["PING", () => frame(FRAME.ping, 0, 0, new Uint8Array(8))],
  ["SETTINGS", () => settings()],
  ["PRIORITY", (at) => frame(FRAME.priority, 0, 3 + 2 * at, new Uint8Array(5))],
  ["unknown frames", () => frame(0x99, 0, 0)],
  ["DATA without a byte", () => data(1, "", 0)],
  ["streams that are refused", (at) => headers(259 + 2 * at, request())],
];
for (const [why, bytes] of CHEAP) {
  Deno.test(`TM-24 a flood of ${why} ends its connection of HTTP/2, and no other`, async () => {
    await using opened = await openSlowLab();
    using client = await RawHttp2.open(opened.lab);
    await client.send(openPost, ...Array.from({ length: LIMITS.http2Streams - 1 }, (_, at) => wait(3 + 2 * at)));
    await client.send(...Array.from({ length: 3_000 }, (_, at) => bytes(at))).catch(() => {});
    const goaway = await client.until(({ type }) => type === FRAME.goaway);
    // ENHANCE_YOUR_CALM; or closed without a word, since it does not read.
    assert.ok(goaway === undefined || goaway.payload.at(7) === 11);
    await assertServes(opened.lab);
  });
}

Deno.test("TM-24 a client that resets streams whose host does not answer TLS is cut off", async () => {
  const conns: Deno.Conn[] = [];
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const conn of silent) conns.push(conn);
  })();
  await using lab = await openLab({ connect: { "api.test": silent.addr.port } });
  using client = await RawHttp2.open(lab);
  await client.send(
    ...Array.from({ length: 300 }, (_, at) => [
      headers(1 + 2 * at, request()),
      frame(FRAME.reset, 0, 1 + 2 * at, uint32(8)),
    ]).flat(),
  ).catch(() => {});
  assert.equal(await client.until(() => false), undefined);
  silent.close();
  await accepting;
  for (const conn of conns) conn.close();
});
