import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { ByteBudget } from "../byte_budget.ts";
import { closeQuietly } from "../close_quietly.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import type { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { TokenTable } from "../token_table.ts";
import { writeAll } from "../write_all.ts";
import { acceptOf } from "./accept.ts";
import { carryWebSocket } from "./carry_websocket.ts";
import { OPCODE } from "./frame.ts";
import { clientFrame, closePayload, hostFrame } from "./testing/raw_frames.ts";
import { FrameEnd, KEY, until } from "./testing/websocket_lab.ts";

/** Both ends of a connection on loopback. */
async function connected(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.all([Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }), listener.accept()]);
}

/** A WebSocket that is carried between two plain connections; the client's side has had its 101. */
async function carry(): Promise<{ client: Deno.TcpConn; host: Deno.TcpConn; ended: Promise<Refusal | undefined> }> {
  const [client, inner] = await connected();
  const [upstream, host] = await connected();
  const none = new ScrubPlan([]);
  const ended = carryWebSocket(
    {
      status: 101,
      reason: "",
      minorVersion: 1,
      fields: [
        { name: "Upgrade", lower: "upgrade", value: "websocket" },
        { name: "Connection", lower: "connection", value: "Upgrade" },
        { name: "Sec-WebSocket-Accept", lower: "sec-websocket-accept", value: await acceptOf(KEY) },
      ],
    },
    {
      client: { sink: inner, reader: new ByteReader(inner), budget: new ByteBudget(LIMITS.heldBodiesBytes) },
      upstream: {
        conn: upstream,
        reader: new ByteReader(upstream),
        trusted: true,
        route: undefined,
        used: false,
        [Symbol.dispose]: () => closeQuietly(upstream),
      },
    },
    {
      offer: { clientKey: KEY, key: KEY, protocols: [] },
      swap: {
        destination: { host: parseHost("api.test"), port: 443, path: "/", trusted: true, defaultPort: 443 },
        tokens: new TokenTable([]),
        encoded: none,
        used: new Set(),
      },
      policy: { outgoingPlan: none, valuePlan: none },
      onStarted() {},
    },
  ).finally(() => closeQuietly(inner));
  const head = new ByteReader(client);
  await head.readHead(4096);
  assert.equal(head.availableLength, 0);
  return { client, host, ended };
}

Deno.test("carryWebSocket() lets a client that has ended its side read the host's Close frame", async () => {
  const { client, host, ended } = await carry();
  using clientEnd = new FrameEnd(client);
  using hostEnd = new FrameEnd(host);
  await clientEnd.send(clientFrame({ opcode: OPCODE.close, payload: closePayload(1000) }));
  await client.closeWrite();
  assert.equal((await hostEnd.next()).opcode, OPCODE.close);
  await until(() => hostEnd.ended);
  await hostEnd.send(hostFrame({ opcode: OPCODE.close, payload: closePayload(1000) }));
  await host.closeWrite();
  assert.equal((await clientEnd.next()).payload, closePayload(1000));
  assert.equal(await ended, undefined);
});

Deno.test("carryWebSocket() cuts a host off that goes on after its client has ended", async () => {
  const { client, host, ended } = await carry();
  using clientEnd = new FrameEnd(client);
  using hostEnd = new FrameEnd(host);
  await client.closeWrite();
  const start = performance.now();
  assert.equal(await ended, undefined);
  assert.ok(performance.now() - start < 5 * LIMITS.drainMs);
  await until(() => hostEnd.ended && clientEnd.ended);
});

Deno.test("carryWebSocket() drops what a client sends after its Close frame", async () => {
  const { client, host, ended } = await carry();
  using clientEnd = new FrameEnd(client);
  using hostEnd = new FrameEnd(host);
  await clientEnd.send(
    clientFrame({ opcode: OPCODE.close }),
    clientFrame({ opcode: OPCODE.text, payload: "late" }),
    "GET / HTTP/1.1\r\n\r\n",
  );
  await client.closeWrite();
  await until(() => hostEnd.ended);
  assert.deepEqual([hostEnd.frames.map(({ opcode }) => opcode), hostEnd.rest], [[OPCODE.close], ""]);
  await host.closeWrite();
  await ended;
});

const MESSAGE = "x".repeat(60_000);
/** More than all the socket buffers on the way hold. */
const FLOOD = 1_000;

for (const side of ["client", "host"] as const) {
  Deno.test(`TM-24 carryWebSocket() slows a sender down whose messages the ${side} does not read, and loses none`, async () => {
    const { client, host, ended } = await carry();
    const [from, to, write] = side === "client" ? [host, client, hostFrame] : [client, host, clientFrame];
    const frame = encodeLatin1(write({ opcode: OPCODE.binary, payload: MESSAGE }));
    let sent = 0;
    const sending = (async () => {
      for (; sent < FLOOD; sent++) await writeAll(from, frame);
    })();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(sent < FLOOD, "nothing slowed it down");
    using reading = new FrameEnd(to);
    await sending;
    await until(() => reading.frames.length === FLOOD);
    assert.ok(reading.frames.every(({ payload }) => payload.length === MESSAGE.length));
    closeQuietly(from);
    await ended;
  });
}
