/** Lines on standard streams, over the relay and the port, with the official client and with lines it would not send. */
import assert from "node:assert/strict";
import { startDoors } from "../testdata/start_doors.ts";
import { CANARY, JWT, testBroker } from "../testdata/test_broker.ts";
import { createMcpServer } from "./mcp_server.ts";
import { PortTransport } from "./port_transport.ts";
import { relayStdio } from "./stdio_relay.ts";

const encoder = new TextEncoder();
const LIMITS = { lineBytes: 4096, stdioAhead: 4, stdioActive: 2, jsonDepth: 32 };

/** A server behind the relay, and the client's ends of its streams. */
async function start() {
  const broker = testBroker();
  const { port1, port2 } = new MessageChannel();
  const server = createMcpServer(broker, { version: "0.0.0" });
  await server.connect(new PortTransport(port2, LIMITS));
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const output = new TransformStream<Uint8Array, Uint8Array>();
  const stopped = new AbortController();
  const ended = relayStdio(port1, {
    input: input.readable,
    output: output.writable,
    signal: stopped.signal,
    limits: LIMITS,
  });
  const writer = input.writable.getWriter();
  const lines = linesOf(output.readable);
  return {
    broker,
    writer,
    stopped,
    write: (text: string) => writer.write(encoder.encode(text)),
    line: async () => JSON.parse((await lines.next()).value ?? "null"),
    /** Ends the input, if it goes on, and waits for the end. */
    async end() {
      await writer.close().catch(() => {});
      await ended;
      await output.readable.cancel().catch(() => {});
      await server.close();
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const request = (id: number | string, method: string, params: unknown = {}) =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
const resolve = (id: number | string) =>
  request(id, "tools/call", { name: "resolve", arguments: { jwt: JWT, resource: "github/pat" } });

Deno.test("stdio answers lines, also in pieces, with CR LF, several at once and without a last line end [S-5.1]", async () => {
  const stdio = await start();
  await stdio.write(request(1, "ping").slice(0, 10));
  await stdio.write(`${request(1, "ping").slice(10)}\r\n\n${request("é", "ping")}\n`);
  assert.deepEqual(await stdio.line(), { jsonrpc: "2.0", id: 1, result: {} });
  assert.deepEqual(await stdio.line(), { jsonrpc: "2.0", id: "é", result: {} });
  await stdio.write(resolve(3));
  const end = stdio.end();
  const answer = await stdio.line();
  assert.equal(answer.id, 3);
  assert.equal(answer.result.structuredContent.token, "KZ_TOK_abc");
  await end;
});

Deno.test("stdio answers everything that was asked before it ends with its input [S-5.1]", async () => {
  const stdio = await start();
  const gate = Promise.withResolvers<void>();
  stdio.broker.gate = gate.promise;
  await stdio.write([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `${resolve(id)}\n`).join(""));
  const end = stdio.end();
  while (stdio.broker.resolved.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  gate.resolve();
  const ids: number[] = [];
  for (let i = 0; i < 8; i++) ids.push((await stdio.line()).id);
  assert.deepEqual(ids.sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
  await end;
});

const SENT = "sent-6f1d0e";
const refused: [why: string, line: string | Uint8Array, code: number][] = [
  ["what is not JSON", SENT, -32700],
  ["a member twice", '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700],
  ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), -32700],
  ["what is no message", `{"${SENT}":1}`, -32600],
  ["a batch", `[${request(SENT, "ping")}]`, -32600],
  ["a line that is too long", request(SENT, "ping", { a: "x".repeat(5000) }), -32600],
];
for (const [why, line, code] of refused) {
  Deno.test(`stdio refuses ${why}, repeats nothing, and goes on [S-5.1]`, async () => {
    const stdio = await start();
    await stdio.writer.write(typeof line === "string" ? encoder.encode(line) : line);
    await stdio.write(`\n${request(7, "ping")}\n`);
    const answer = await stdio.line();
    assert.deepEqual([answer.id, answer.error.code], [null, code]);
    assert.ok(!JSON.stringify(answer).includes(SENT));
    assert.deepEqual(await stdio.line(), { jsonrpc: "2.0", id: 7, result: {} });
    await stdio.end();
  });
}

Deno.test("TM-38 stdio works on so many requests at one time, reads so far ahead, and hears of cancellations", async () => {
  const stdio = await start();
  const gate = Promise.withResolvers<void>();
  stdio.broker.gate = gate.promise;
  await stdio.write(`${resolve(1)}\n${resolve(2)}\n${resolve(3)}\n`);
  while (stdio.broker.resolved.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(stdio.broker.resolved.length, 2);
  // A cancelled request is not answered, and makes room.
  await stdio.write(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n`);
  while (stdio.broker.resolved.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  // Two at work and four ahead; of the rest the client is not rid.
  let written = 0;
  const more = (async () => {
    for (let id = 10; id < 30; id++) {
      await stdio.write(`${resolve(id)}\n`);
      written++;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(written < 10, `${written} lines were taken`);
  gate.resolve();
  const ids: number[] = [];
  while (ids.length < 22) ids.push((await stdio.line()).id);
  await more;
  assert.ok(!ids.includes(1) && ids.includes(29));
  await stdio.end();
});

Deno.test("stdio refuses a request whose id is in use", async () => {
  const stdio = await start();
  const gate = Promise.withResolvers<void>();
  stdio.broker.gate = gate.promise;
  await stdio.write(`${resolve(1)}\n${request(1, "ping")}\n`);
  assert.deepEqual((await stdio.line()).error?.code, -32600);
  gate.resolve();
  assert.equal((await stdio.line()).id, 1);
  await stdio.end();
});

Deno.test("stdio ends when it is told to, and when its client reads no further", async () => {
  const told = await start();
  await told.write(`${request(1, "ping")}\n`);
  assert.equal((await told.line()).id, 1);
  told.stopped.abort();
  await told.end();

  const { port1, port2 } = new MessageChannel();
  const server = createMcpServer(testBroker(), { version: "0.0.0" });
  await server.connect(new PortTransport(port2, LIMITS));
  const broken = new WritableStream<Uint8Array>({ write: () => Promise.reject(new Error("broken pipe")) });
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const ended = relayStdio(port1, { input: input.readable, output: broken, limits: LIMITS });
  const writer = input.writable.getWriter();
  await writer.write(encoder.encode(`${request(1, "ping")}\n`));
  await ended;
  await writer.close().catch(() => {});
  await server.close();
});

Deno.test("stdio writes nothing of a fault [S-5.3]", async () => {
  const stdio = await start();
  await stdio.write(
    `${request(1, "tools/call", { name: "resolve", arguments: { jwt: JWT, resource: "broken" } })}\n`,
  );
  const text = JSON.stringify(await stdio.line());
  assert.match(text, /error\[INTERNAL\]/);
  assert.ok(!text.includes(CANARY) && !text.includes(JWT));
  await stdio.end();
});

Deno.test("both doors can be open at one time", async () => {
  using doors = await startDoors();
  const stdio = await start();
  await stdio.write(`${request(1, "ping")}\n`);
  assert.equal((await stdio.line()).id, 1);
  assert.equal(await (await fetch(`${doors.url}/healthz`)).text(), "ok\n");
  await stdio.end();
  await doors.shutdown(1000);
});
