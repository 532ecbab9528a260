import assert from "node:assert/strict";
import { CLOSE, openLab } from "../testing/lab.ts";

const TUNNELS = 5_000;
/** In this process: the client's connection, both ends of its interception, and some for upstreams. */
const DESCRIPTORS = 3 * TUNNELS + 500;

/** How many descriptors a process may have here; Deno raises its own limit to this. */
async function descriptorLimit(): Promise<number> {
  if (Deno.build.os === "windows") return 0;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -Hn"] }).output();
  const text = new TextDecoder().decode(stdout).trim();
  return text === "unlimited" ? Infinity : Number(text);
}

Deno.test({
  name: `TM-24 ${TUNNELS} idle tunnels survive, and others are served meanwhile (needs ${DESCRIPTORS} descriptors)`,
  ignore: await descriptorLimit() < DESCRIPTORS,
  async fn() {
    await using lab = await openLab();
    const orders = { port: lab.port, login: btoa(`kz:${lab.login.password}`), caPem: lab.caPem, count: TUNNELS };
    const script = new URL("../testing/idle_client.ts", import.meta.url).pathname;
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1", script, JSON.stringify(orders)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await lines.read()).value, "open\n");
    const before = Deno.memoryUsage().rss;
    const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    assert.equal((await lines.read()).value, `${TUNNELS / 100}\n`);
    assert.ok(Deno.memoryUsage().rss - before < 128 * 1024 * 1024);
    await writer.close();
    await lines.cancel();
    await child.status;
  },
});
