import assert from "node:assert/strict";
import { openLab } from "../testing/lab.ts";
import { writeAll } from "../write_all.ts";

const MIB = 1024 * 1024;

Deno.test("a large upload streams through in bounded memory", async () => {
  // The upstream counts, and keeps nothing.
  let received = 0;
  await using lab = await openLab({
    consume: (bytes) => {
      received += bytes.length;
      return received >= 64 * MIB ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "";
    },
  });
  using client = await lab.client();
  await client.send(`POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
  const before = Deno.memoryUsage().rss;
  const piece = new Uint8Array(MIB).fill(120);
  for (let sent = 0; sent < 64; sent++) await writeAll(client.conn, piece);
  assert.equal((await client.response()).status, 200);
  const growth = Deno.memoryUsage().rss - before;
  assert.ok(growth < 48 * MIB, `${Math.round(growth / MIB)} MiB more`);
});
