import assert from "node:assert/strict";
import { startUpstream } from "./upstream_process.ts";
import { clientEnvironment } from "./system.ts";

/** Reads replies of every framing over one connection and prints the lengths of their bodies. */
const CLIENT = `
  import { HttpConnection } from ${JSON.stringify(new URL("./http_connection.ts", import.meta.url).href)};
  const port = Number(Deno.args[0]);
  using connection = await HttpConnection.open(port, undefined);
  const lengths = [];
  for (const target of ["/reply", "/down?200000", "/events?3", "/reply"]) {
    const head = "GET " + target + " HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Bearer " + Deno.env.get("BENCH_TOKEN");
    await connection.write(new TextEncoder().encode(head + "\\r\\n\\r\\n"));
    lengths.push(await connection.readReply());
  }
  console.log(JSON.stringify(lengths));
`;

Deno.test("HttpConnection reads replies with a length and in chunks from one connection", async () => {
  await using upstream = await startUpstream("the-value");
  const dir = await Deno.makeTempDir();
  try {
    const [caFile, script] = [`${dir}/ca.pem`, `${dir}/client.ts`];
    await Deno.writeTextFile(caFile, upstream.caPem);
    await Deno.writeTextFile(script, CLIENT);
    const run = (token: string) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--allow-net", "--allow-env", script, String(upstream.port)],
        env: clientEnvironment({ token, caFile }),
      }).output();
    const { stdout } = await run("the-value");
    const [reply, down, events, again]: number[] = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual([reply, down, again], [1024, 200_000, 1024]);
    assert.ok(events! > 3 * "data: \n\n".length);
    const refused = await run("kz_masked_0");
    assert.equal(refused.code, 1);
    assert.match(new TextDecoder().decode(refused.stderr), /the reply is HTTP\/1\.1 401/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
