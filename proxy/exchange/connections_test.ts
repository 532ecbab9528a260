import assert from "node:assert/strict";
import { closeQuietly } from "../close_quietly.ts";
import { CLOSE, okay, openLab } from "../testing/lab.ts";

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("a connection is kept on both sides", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  for (let round = 0; round < 5; round++) {
    await client.send(get());
    assert.equal((await client.response()).body, "hello");
  }
  assert.equal(lab.upstream.connections, 1);
});

Deno.test("pipelined requests are answered in order", async () => {
  await using lab = await openLab({ respond: (request) => okay(request.split(" ")[1]!) });
  using client = await lab.client();
  const post = "POST /b HTTP/1.1\r\nHost: api.test\r\nContent-Length: 3\r\n\r\nabc";
  await client.send(get("/a") + post + get("/c") + get("/d", CLOSE) + get("/never"));
  for (const path of ["/a", "/b", "/c", "/d"]) assert.equal((await client.response()).body, path);
  assert.equal(await client.rest(), "");
  assert.equal(lab.upstream.requests.length, 4);
});

Deno.test("a refused request without a body leaves the connection in step", async () => {
  await using lab = await openLab({ respond: (request) => okay(request.split(" ")[1]!) });
  using client = await lab.client();
  await client.send(get("/a") + get(`/${lab.token}`) + get("/c"));
  assert.equal((await client.response()).body, "/a");
  assert.equal((await client.response()).status, 403);
  assert.equal((await client.response()).body, "/c");
});

Deno.test("a refused request with a body ends the connection, and its body is never a request", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  const body = get("/smuggled");
  await client.send(`POST /${lab.token} HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.equal((await client.response()).status, 403);
  assert.equal(await client.rest(), "");
  assert.equal(lab.upstream.received, "");
});

Deno.test("a client of HTTP/1.0 is answered, and its connection ends", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  await client.send("GET / HTTP/1.0\r\n\r\n");
  const answer = await client.rest();
  assert.match(answer, /^Connection: close\r$/m);
  assert.ok(answer.endsWith("\r\n\r\nhello"));
  assert.ok(lab.upstream.requests[0]!.startsWith("GET / HTTP/1.1\r\nHost: api.test\r\n"));
});

Deno.test("a client of HTTP/1.0 that asks for it keeps its connection, and is told so", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  for (let round = 0; round < 2; round++) {
    await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const answer = await client.response();
    assert.match(answer.head, /^Connection: keep-alive\r$/m);
  }
});

Deno.test("a client of HTTP/1.0 gets a body of chunks as one that ends with the connection", async () => {
  await using lab = await openLab({
    respond: () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  });
  using client = await lab.client();
  await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const answer = await client.rest();
  assert.ok(!/transfer-encoding/i.test(answer) && answer.endsWith("\r\n\r\nhello"));
});

Deno.test("a kept connection that the host has closed is replaced unnoticed, also for POST", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  await client.send(get());
  await client.response();
  lab.upstream.cut();
  await pause(30);
  await client.send("POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\nhi");
  assert.equal((await client.response()).status, 200);
  assert.equal(lab.upstream.connections, 2);
});

for (const [method, status] of [["GET", 200], ["HEAD", 200], ["POST", 502], ["DELETE", 502]] as const) {
  const outcome = status === 200 ? "is sent again" : "is not sent twice";
  Deno.test(`${method} on a kept connection that dies without an answer ${outcome}`, async () => {
    let deadly = false;
    await using lab = await openLab({
      respond: (_, conn) => {
        if (deadly) {
          deadly = false;
          closeQuietly(conn);
        }
        return okay("hello");
      },
    });
    using client = await lab.client();
    await client.send(get());
    await client.response();
    deadly = true;
    await client.send(`${method} /second HTTP/1.1\r\nHost: api.test\r\n\r\n`);
    assert.equal((await client.response(method)).status, status);
    const second = lab.upstream.requests.filter((request) => request.includes("/second"));
    assert.equal(second.length, status === 200 ? 2 : 1);
  });
}

Deno.test("a host that closes a new connection without an answer is answered 502, and not asked again", async () => {
  await using lab = await openLab({
    respond: (_, conn) => {
      closeQuietly(conn);
      return "";
    },
  });
  using client = await lab.client();
  await client.send(get());
  assert.equal((await client.response()).status, 502);
  assert.equal(lab.upstream.connections, 1);
});

Deno.test("a host that cannot be reached is answered 502", async () => {
  using unused = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = unused.addr;
  unused.close();
  await using lab = await openLab({ clear: true, rules: [{ allow: true, host: "127.0.0.1" }] });
  const host = `127.0.0.1:${port}`;
  const login = btoa(`kz:${lab.login.password}`);
  const answer = await lab.raw(
    `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic ${login}\r\n${CLOSE}\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.match(answer, /"PROXY_UPSTREAM_UNREACHABLE"/);
});

Deno.test("a client that goes away ends the host's connection, and is not reported", async () => {
  await using lab = await openLab({
    respond: (_, conn) => {
      conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n"));
      return new Promise((resolve) => setTimeout(resolve, 150, ""));
    },
  });
  const client = await lab.client();
  await client.send(get());
  await client.waitFor("data: 1\n\n");
  client[Symbol.dispose]();
  for (let waited = 0; waited < 20 && lab.upstream.open > 0; waited++) await pause(20);
  assert.equal(lab.upstream.open, 0);
  assert.deepEqual(lab.refusals, []);
});

Deno.test("a tunnel that is never used is not reported", async () => {
  await using lab = await openLab();
  const client = await lab.connect();
  const login = btoa(`kz:${lab.login.password}`);
  await client.send(`CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
  await client.waitFor("\r\n\r\n");
  client[Symbol.dispose]();
  await pause(30);
  assert.deepEqual(lab.refusals, []);
});

Deno.test("a slow client gets the whole of its last response", async () => {
  const body = "x".repeat(6 * 1024 * 1024);
  await using lab = await openLab({ respond: () => okay(body) });
  using client = await lab.client();
  await client.send(get("/", CLOSE));
  await pause(1_300);
  const answer = await client.response();
  assert.equal(answer.body.length, body.length);
});

Deno.test("a client that goes away in the middle of an upload ends the host's connection", async () => {
  await using lab = await openLab();
  const client = await lab.client();
  await client.send(`POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1000)}`);
  await pause(100);
  assert.equal(lab.upstream.open, 1);
  client[Symbol.dispose]();
  for (let waited = 0; waited < 20 && lab.upstream.open > 0; waited++) await pause(20);
  assert.equal(lab.upstream.open, 0);
  assert.deepEqual(lab.upstream.requests, []);
});
