/** Connections, as slow, many or malformed as clients make them (TM-38). */
// Longer than 300 lines: one test for each thing that a connection can do to the server, on real sockets.
import assert from "node:assert/strict";
import { parseHost } from "../../../policy/host.ts";
import { closeQuietly } from "../../../proxy/close_quietly.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";
import { startDoors } from "../testdata/start_doors.ts";
import { JWT } from "../testdata/test_broker.ts";
import { serve } from "./serve.ts";
import { SERVER_LIMITS } from "./server_limits.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const HEAD = "Host: localhost\r\n";

/** A connection that says what it is told to say, at the pace of the test. */
async function connect(port: number) {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  return {
    conn,
    send: async (text: string) => void await conn.write(encode(text)),
    /** What comes until the other side closes. */
    rest: async () => {
      let text = "";
      const buffer = new Uint8Array(4096);
      // A defence that is missing is a failure then, and no test that hangs.
      using _ = closeAfter(conn);
      for (;;) {
        const count = await conn.read(buffer).catch(() => null);
        if (count === null) {
          // The other side waits for that.
          await conn.closeWrite().catch(() => {});
          return text;
        }
        text += new TextDecoder().decode(buffer.subarray(0, count));
      }
    },
    /** What comes next. */
    some: async () => {
      using _ = closeAfter(conn);
      const buffer = new Uint8Array(4096);
      return new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
    },
    [Symbol.dispose]: () => closeQuietly(conn),
  };
}

/** Longer than any limit that is tested, on a slow machine too. */
const WAIT_MS = 8_000;

function closeAfter(conn: Deno.Conn): Disposable {
  const started = performance.now();
  const timer = setTimeout(() => closeQuietly(conn), WAIT_MS);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      assert.ok(performance.now() - started < WAIT_MS, "nothing came, and nothing was closed");
    },
  };
}

const resolveHead = (length: number) =>
  `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nAuthorization: Bearer ${JWT}\r\nContent-Length: ${length}\r\n\r\n`;

Deno.test("TM-38 serve() closes a connection that says nothing, or a head bit by bit", async () => {
  using doors = await startDoors({ limits: { headMs: 200 } });
  using silent = await connect(doors.port);
  using slow = await connect(doors.port);
  await slow.send(`GET /healthz HTTP/1.1\r\n${HEAD}`);
  const dripping = setInterval(() => slow.send("X: y\r\n").catch(() => {}), 20);
  assert.deepEqual([await silent.rest(), await slow.rest()], ["", ""]);
  clearInterval(dripping);
  await doors.shutdown(1000);
});

Deno.test("TM-38 serve() closes a TLS connection whose handshake does not end [S-4.4]", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost("127.0.0.1"));
  using doors = await startDoors({ limits: { handshakeMs: 200 }, tls: { cert: certPem, key: keyPem } });
  using silent = await connect(doors.port);
  assert.equal(await silent.rest(), "");
  using client = Deno.createHttpClient({ caCerts: [authority.certificatePem] });
  const health = await fetch(`${doors.url}/healthz`, { client });
  assert.equal(await health.text(), "ok\n");
  await doors.shutdown(1000);
});

Deno.test("TM-38 serve() closes a kept connection that idles", async () => {
  using doors = await startDoors({ limits: { idleMs: 100 } });
  using client = await connect(doors.port);
  await client.send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
  assert.match(await client.rest(), /^HTTP\/1\.1 200 \r\n[^]*\r\n\r\nok\n$/);
  await doors.shutdown(1000);
});

Deno.test("TM-38 a body that comes slowly is answered 408, and holds no turn meanwhile", async () => {
  using doors = await startDoors({ limits: { bodyMs: 300, active: 1 } });
  using slow = await connect(doors.port);
  await slow.send(`${resolveHead(100)}{"ref":`);
  const dripping = setInterval(() => slow.send(" ").catch(() => {}), 20);
  const other = await fetch(`${doors.url}/v1/resolve`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${JWT}` },
    body: '{"ref":"x"}',
  });
  assert.equal(other.status, 200);
  await other.body?.cancel();
  const answer = await slow.rest();
  clearInterval(dripping);
  assert.match(answer, /^HTTP\/1\.1 408 [^]*"code":"REQUEST_TIMEOUT"}$/);
  assert.equal(doors.admission.heldBytes.held, 0);
  await doors.shutdown(1000);
});

Deno.test("TM-38 a client that does not read its answer is cut off", async () => {
  const limits = { ...SERVER_LIMITS, writeMs: 200 };
  const large = new Uint8Array(32 * 1024 * 1024);
  using server = await serve(() => new Response(large), { hostname: "127.0.0.1", port: 0, limits });
  using client = await connect(server.port);
  await client.send(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  await server.shutdown(10_000);
  assert.ok(performance.now() - started < 5_000);
});

Deno.test("TM-38 bodies that are held at one time are bounded, and given back", async () => {
  using doors = await startDoors({ limits: { heldBytes: 100_000 } });
  const clients = await Promise.all([1, 2, 3, 4].map(() => connect(doors.port)));
  for (const client of clients) await client.send(`${resolveHead(60_000)}${" ".repeat(30_000)}`);
  const answers = await Promise.all(
    clients.slice(0, 4).map((client) =>
      Promise.race([client.some(), new Promise<string>((resolve) => setTimeout(resolve, 500, "held"))])
    ),
  );
  const refused = answers.filter((answer) => /^HTTP\/1\.1 503 /.test(answer)).length;
  assert.ok(refused >= 1 && refused < 4, `${refused} were refused`);
  assert.ok(doors.admission.heldBytes.held <= 100_000);
  for (const client of clients) client[Symbol.dispose]();
  await doors.shutdown(1000);
  assert.equal(doors.admission.heldBytes.held, 0);
});

Deno.test("TM-38 a body in chunks of one byte costs no more than its bytes", async () => {
  using doors = await startDoors();
  using client = await connect(doors.port);
  const body = JSON.stringify({ refs: ["x"], context: { a: "y".repeat(50_000) } });
  const chunks = [...body].map((char) => `1\r\n${char}\r\n`).join("");
  await client.send(
    `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nAuthorization: Bearer ${JWT}\r\n` +
      `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
  );
  for (let at = 0; at < chunks.length; at += 50_000) await client.send(chunks.slice(at, at + 50_000));
  await client.send("0\r\n\r\n");
  assert.match(await client.rest(), /^HTTP\/1\.1 200 [^]*POLICY_DENIED/);
  assert.equal(doors.admission.heldBytes.held, 0);
  await doors.shutdown(1000);
});

Deno.test("TM-38 a body that does not say how long it is is refused once it is too long", async () => {
  using doors = await startDoors();
  using client = await connect(doors.port);
  await client.send(
    `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  for (let i = 0; i < 70; i++) await client.send(`400\r\n${" ".repeat(1024)}\r\n`);
  assert.match(await client.rest(), /^HTTP\/1\.1 413 [^]*BODY_TOO_LARGE/);
  await doors.shutdown(1000);
});

Deno.test("TM-38 connections are bounded; those that idle make room, of the same address first", async () => {
  using doors = await startDoors({ limits: { connectionsOfAddress: 3 } });
  const clients = await Promise.all([1, 2, 3].map(() => connect(doors.port)));
  // Nobody idles yet: each may be about to speak.
  using early = await connect(doors.port);
  assert.equal(await early.rest(), "");
  for (const client of clients) {
    await client.send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
    assert.match(await client.some(), /^HTTP\/1\.1 200 /);
  }
  using late = await connect(doors.port);
  await late.send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
  assert.match(await late.some(), /^HTTP\/1\.1 200 /);
  assert.equal(await clients[0]!.rest(), "");
  await clients[1]!.send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
  assert.match(await clients[1]!.some(), /^HTTP\/1\.1 200 /);
  for (const client of clients) client[Symbol.dispose]();
  late.conn.closeWrite();
  await doors.shutdown(1000);
});

const malformed: [why: string, request: string, status: number][] = [
  ["no HTTP", "hello\r\n\r\n", 400],
  ["bare line feeds", "GET /healthz HTTP/1.1\nHost: localhost\n\n", 400],
  ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\n", 505],
  ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["Host twice", `GET /healthz HTTP/1.1\r\n${HEAD}${HEAD}\r\n`, 400],
  ["another Host than the target's", `GET http://a.test/healthz HTTP/1.1\r\nHost: b.test\r\n\r\n`, 421],
  [
    "length and chunks",
    `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["lengths that differ", `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
  ["a path with a dot segment", `GET /a/../healthz HTTP/1.1\r\n${HEAD}\r\n`, 400],
  ["a path that ends in a dot segment", `GET /metrics/. HTTP/1.1\r\n${HEAD}\r\n`, 400],
  ["a path with a dot segment in escapes", `GET /a/%2E%2e/healthz?/ HTTP/1.1\r\n${HEAD}\r\n`, 400],
  ["a body on GET", `GET /healthz HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello`, 400],
  ["CONNECT", `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n`, 405],
  ["TRACE", `TRACE / HTTP/1.1\r\n${HEAD}\r\n`, 405],
  ["another expectation", `POST / HTTP/1.1\r\n${HEAD}Expect: 200-ok\r\n\r\n`, 417],
  ["Authorization twice", `GET / HTTP/1.1\r\n${HEAD}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`, 400],
  ["a large head", `GET / HTTP/1.1\r\n${HEAD}X: ${"x".repeat(40_000)}\r\n\r\n`, 431],
  ["many fields", `GET / HTTP/1.1\r\n${HEAD}${"X: y\r\n".repeat(1000)}\r\n`, 431],
  [
    "a chunk that is none",
    `POST /v1/resolve HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
  ],
];
for (const [why, request, status] of malformed) {
  Deno.test(`serve() answers ${status} to ${why}, and closes [S-4.5]`, async () => {
    using doors = await startDoors();
    using client = await connect(doors.port);
    await client.send(request);
    const answer = await client.rest();
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(answer.split("HTTP/1.1 ").length, 2, "one answer");
    await doors.shutdown(1000);
  });
}

Deno.test("serve() keeps a connection, takes requests in a row, and continues on demand", async () => {
  using doors = await startDoors();
  using client = await connect(doors.port);
  const body = '{"ref":"x"}';
  await client.send(
    `GET /healthz HTTP/1.1\r\n${HEAD}\r\n${resolveHead(body.length)}${body}GET /healthz HTTP/1.1\r\n${HEAD}\r\n`,
  );
  await client.send(
    resolveHead(body.length).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"),
  );
  let seen = "";
  while (!seen.includes("100 Continue")) seen += await client.some();
  await client.send(body);
  seen += await client.rest();
  assert.deepEqual([...seen.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status), [
    "200",
    "200",
    "200",
    "100",
    "200",
  ]);
  await doors.shutdown(1000);
});

for (const [why, padding] of [["came with its head", 0], ["is to be read yet", 256 * 1024]] as const) {
  Deno.test(`serve() takes nothing of a body for a request that nobody wanted, where it ${why}`, async () => {
    using doors = await startDoors();
    using client = await connect(doors.port);
    const hidden = `GET /healthz HTTP/1.1\r\n${HEAD}\r\n`.repeat(2) + " ".repeat(padding);
    const last = `GET /openapi.json HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
    const head = `POST /nowhere HTTP/1.1\r\n${HEAD}Content-Length: ${hidden.length}\r\n\r\n`;
    // The server may close before it has taken all of it.
    await client.send(head + hidden + last).catch(() => {});
    const answer = await client.rest();
    assert.match(answer, /^HTTP\/1\.1 404 /);
    assert.ok(!answer.includes("ok\n"));
    await doors.shutdown(1000);
  });
}

Deno.test("shutdown() answers what has begun, takes nothing new, and cuts off what takes too long [S-4.5]", async () => {
  using doors = await startDoors();
  const gate = Promise.withResolvers<void>();
  doors.broker.gate = gate.promise;
  const body = '{"ref":"x"}';
  using begun = await connect(doors.port);
  await begun.send(`${resolveHead(body.length)}${body}`);
  using idle = await connect(doors.port);
  await idle.send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
  assert.match(await idle.some(), /^HTTP\/1\.1 200 /);
  while (doors.broker.resolved.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const shutdown = doors.shutdown(10_000);
  assert.equal(await idle.rest(), "");
  await assert.rejects(connect(doors.port), Deno.errors.ConnectionRefused);
  gate.resolve();
  assert.match(await begun.rest(), /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n[^]*POLICY_DENIED/);
  await shutdown;

  using stuck = await startDoors();
  const never = Promise.withResolvers<void>();
  stuck.broker.gate = never.promise;
  using client = await connect(stuck.port);
  await client.send(`${resolveHead(body.length)}${body}`);
  while (stuck.broker.resolved.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const stopped = stuck.shutdown(50);
  assert.equal(await client.rest(), "");
  never.resolve();
  await stopped;
});

Deno.test("TM-38 work that takes too long is answered 504, and holds its turn until it has ended", async () => {
  using doors = await startDoors({ limits: { workMs: 50, active: 1, waitMs: 100 } });
  const gate = Promise.withResolvers<void>();
  doors.broker.gate = gate.promise;
  const ask = async () => {
    const response = await fetch(`${doors.url}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${JWT}` },
      body: '{"ref":"x"}',
    });
    return [response.status, response.headers.get("retry-after"), (await response.json()).code];
  };
  assert.deepEqual(await ask(), [504, null, "UPSTREAM_TIMEOUT"]);
  assert.deepEqual(await ask(), [503, "1", "OVERLOADED"]);
  gate.resolve();
  assert.equal((await ask())[0], 200);
  await doors.shutdown(1000);
});

Deno.test("TM-38 a flood of one caller leaves room for another and for /healthz", async () => {
  using doors = await startDoors({
    limits: { active: 8, waiting: 64, waitingOfAddress: 64, callerActive: 6, callerBurst: 100, callerPerSecond: 1 },
  });
  const gate = Promise.withResolvers<void>();
  doors.broker.gate = gate.promise;
  const ask = async (caller: string) => {
    const response = await fetch(`${doors.url}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer caller.${caller}` },
      body: '{"ref":"x"}',
    });
    await response.body?.cancel();
    return response.status;
  };
  const flood = Array.from({ length: 60 }, () => ask("flood"));
  const other = ask("other");
  const seen = async (count: number) => {
    while (doors.broker.resolved.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  // Six of the flood are at work, the rest was refused; the other caller has its turn.
  await seen(7);
  const health = await fetch(`${doors.url}/healthz`);
  assert.equal(await health.text(), "ok\n");
  gate.resolve();
  assert.equal(await other, 200);
  const statuses = await Promise.all(flood);
  assert.equal(statuses.filter((status) => status === 200).length, 6);
  assert.equal(statuses.filter((status) => status === 429).length, 54);
  await doors.shutdown(1000);
});

Deno.test("TM-38 an address that sends JWTs that are not valid is refused before they are looked at", async () => {
  using doors = await startDoors({ limits: { failuresBurst: 10, failuresPerSecond: 0.001 } });
  const ask = async () => {
    const response = await fetch(`${doors.url}/v1/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer forged" },
      body: '{"ref":"x"}',
    });
    await response.body?.cancel();
    return [response.status, response.headers.get("retry-after")];
  };
  for (let i = 0; i < 10; i++) assert.deepEqual(await ask(), [401, null]);
  assert.deepEqual(await ask(), [429, "1"]);
  const metrics = await fetch(`${doors.url}/metrics`);
  assert.equal(metrics.status, 429);
  await metrics.body?.cancel();
  const health = await fetch(`${doors.url}/healthz`);
  assert.equal(await health.text(), "ok\n");
  await doors.shutdown(1000);
});

const UNVERIFIED: [why: string, message: unknown][] = [
  ["a JWT that is not valid", toolCall({ jwt: "forged", resource: "github/pat" })],
  ["no JWT", toolCall({ resource: "github/pat" })],
  ["arguments that are not the tool's", toolCall({ jwt: JWT, resource: 1 })],
  ["a handshake", { jsonrpc: "2.0", id: 1, method: "tools/list" }],
  ["a batch", [{ jsonrpc: "2.0", id: 1, method: "tools/list" }]],
];
for (const [why, message] of UNVERIFIED) {
  Deno.test(`TM-38 an address pays for what it sends to /mcp without being a verified caller: ${why}`, async () => {
    using doors = await startDoors({ limits: { failuresBurst: 5, failuresPerSecond: 0.001 } });
    // A verified caller pays for itself.
    for (let i = 0; i < 10; i++) assert.equal(await postMcp(doors, toolCall({ jwt: JWT, resource: "unknown" })), 200);
    for (let i = 0; i < 5; i++) assert.notEqual(await postMcp(doors, message), 429);
    assert.equal(await postMcp(doors, message), 429);
    await doors.shutdown(1000);
  });
}

function toolCall(args: Readonly<Record<string, unknown>>): unknown {
  return { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "resolve", arguments: args } };
}

async function postMcp({ url }: { url: string }, message: unknown): Promise<number> {
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify(message),
  });
  await response.body?.cancel();
  return response.status;
}
