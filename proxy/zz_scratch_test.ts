import assert from "node:assert/strict";
import { CANARY, CLOSE, okay, openLab, readAll } from "./testing/lab.ts";

Deno.test("A slow reader", async () => {
  const big = "x".repeat(6 * 1024 * 1024);
  await using lab = await openLab({ respond: () => okay(big) });
  const conn = await lab.tunnel();
  await conn.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`));
  await new Promise((r) => setTimeout(r, 2500));
  const text = await readAll(conn);
  conn.close();
  assert.equal(text.length > big.length, true, `${text.length} of ${big.length}`);
});
Deno.test("B gone", async () => {
  await using lab = await openLab({
    respond: async (_r, conn) => {
      await conn.write(
        new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"),
      );
      await new Promise((r) => setTimeout(r, 300));
      return "data: 2\n\n";
    },
  });
  const client = await lab.client();
  await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  await client.waitFor("data: 1");
  client[Symbol.dispose]();
  await new Promise((r) => setTimeout(r, 400));
  console.log(lab.refusals.map((r) => [r.code, r.facts.detail]), lab.upstream.open);
});
Deno.test("C unused tunnel", async () => {
  await using lab = await openLab();
  const client = await lab.connect();
  await client.send(
    `CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic ${
      btoa("kz:" + lab.login.password)
    }\r\n\r\n`,
  );
  await client.waitFor("\r\n\r\n");
  client[Symbol.dispose]();
  await new Promise((r) => setTimeout(r, 100));
  console.log(lab.refusals.map((r) => r.code));
});
Deno.test("D denied and bad framing", async () => {
  await using lab = await openLab({ rules: [{ allow: true, host: "api.test", paths: ["/a"] }] });
  const answer = await lab.inside(
    "POST /b HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  );
  console.log(JSON.stringify(answer));
});
Deno.test("E token in name", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(`GET /b HTTP/1.1\r\nHost: api.test\r\nx-${lab.token}: 1\r\n${CLOSE}\r\n`);
  console.log(JSON.stringify(answer.slice(0, 30)), lab.upstream.received);
});
Deno.test("F percent path", async () => {
  await using lab = await openLab({
    rules: [{ allow: false, host: "api.test", paths: ["/admin*"] }, { allow: true, host: "*" }],
  });
  const answer = await lab.inside(`GET /%61dmin HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
  console.log(JSON.stringify(answer.slice(0, 30)), CANARY.length);
});
