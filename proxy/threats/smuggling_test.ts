import assert from "node:assert/strict";
import { eachCase } from "../testing/each_case.ts";
import { okay, openLab } from "../testing/lab.ts";
import { BAD_RESPONSES, LOGIN, SMUGGLING_CASES } from "../testing/smuggling_cases.ts";

for (const streams of [false, true]) {
  const where = streams ? "in a body that streams" : "in a head";
  Deno.test(`TM-18 ambiguity ${where} is refused, and nothing after it is served`, async () => {
    await using lab = await openLab();
    const login = `Proxy-Authorization: Basic ${btoa(`kz:${lab.login.password}`)}`;
    const cases = SMUGGLING_CASES.filter((row) => (row.streams ?? false) === streams);
    assert.ok(cases.length >= 20);
    await eachCase(cases.map((row) => [row.why, row] as const), async ([, { bytes, outside }]) => {
      using client = outside ? await lab.connect() : await lab.client();
      await client.send(bytes.replaceAll(LOGIN, login));
      // Up to the end: the connection is closed by the proxy.
      const answer = await client.rest();
      assert.match(answer, /^HTTP\/1\.1 (?:4\d\d|501|505) /);
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, "one answer");
      assert.match(answer, /^Connection: close\r$/m);
    });
    assert.deepEqual(lab.upstream.requests, []);
    assert.ok(!lab.upstream.received.includes("smuggled"));
    if (!streams) assert.equal(lab.upstream.received, "");
  });
}

Deno.test("TM-18 the heads that reach the host are rebuilt from what was read", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  await client.send(
    "POST /p?q HTTP/1.1\r\nhOsT:\t API.test:443 \r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n" +
      "Accept-Encoding: br\r\nX-Empty:\r\ncontent-length: 2\r\nConnection: keep-alive, TE\r\n\r\nhi",
  );
  assert.equal((await client.response()).status, 200);
  assert.deepEqual(lab.upstream.requests, [
    "POST /p?q HTTP/1.1\r\nHost: api.test\r\nX-Empty: \r\nAccept-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
  ]);
});

Deno.test("TM-18 responses that can be read in two ways are answered 502 and their connection is dropped", async () => {
  const responses = new Map(BAD_RESPONSES.map(([, bytes], at) => [`/${at}`, bytes]));
  const served = new Map<string, number>();
  await using lab = await openLab({
    respond: (request) => {
      const [, path = "", host = ""] = /^GET (\S+) [^]*^X-Case: (\S+)\r$/m.exec(request) ?? [];
      served.set(host, (served.get(host) ?? 0) + 1);
      return responses.get(path) ?? okay("good");
    },
  });
  await eachCase(BAD_RESPONSES.map(([why], at) => [why, `/${at}`] as const), async ([, path]) => {
    using client = await lab.client();
    await client.send(`GET ${path} HTTP/1.1\r\nHost: api.test\r\nX-Case: ${path}\r\n\r\n`);
    assert.equal((await client.response()).status, 502);
    await client.send(`GET /good HTTP/1.1\r\nHost: api.test\r\nX-Case: ${path}\r\n\r\n`).catch(() => {});
    const next = await client.response();
    // The client's connection may go on; what the host sent is never taken for its answer.
    assert.ok(next.status === 0 || (next.status === 200 && next.body === "good"));
    assert.equal(served.get(path), next.status === 0 ? 1 : 2);
  });
  // One connection for each bad response, and one for each good one.
  assert.equal(lab.upstream.connections, [...served.values()].reduce((sum, count) => sum + count, 0));
});

Deno.test("TM-18 bytes after a response's end are not taken for the next response", async () => {
  await using lab = await openLab({
    respond: (request) => request.includes("/first") ? okay("one") + okay("planted") : okay("two"),
  });
  using client = await lab.client();
  await client.send("GET /first HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response()).body, "one");
  await client.send("GET /second HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response()).body, "two");
  assert.equal(lab.upstream.connections, 2);
});

Deno.test("TM-18 a body after a response to HEAD is not taken for the next response", async () => {
  await using lab = await openLab({ respond: (request) => okay(request.startsWith("HEAD") ? "planted" : "two") });
  using client = await lab.client();
  await client.send("HEAD / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response("HEAD")).status, 200);
  await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response()).body, "two");
});
