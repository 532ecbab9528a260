import assert from "node:assert/strict";
import { eachCase } from "../testing/each_case.ts";
import { okay, openLab } from "../testing/lab.ts";
import { BAD_RESPONSE_BODIES, BAD_RESPONSES, OVERLONG_RESPONSES } from "../testing/smuggling/response_cases.ts";
import { LOGIN } from "../testing/smuggling/smuggling_case.ts";
import { SMUGGLING_CASES } from "../testing/smuggling/smuggling_cases.ts";

// requirement: P-4.1

Deno.test("TM-18 the corpus has its cases once", () => {
  const requests = new Set(SMUGGLING_CASES.map(({ bytes, outside }) => `${outside}${bytes}`));
  const responses = new Set(
    [...BAD_RESPONSES, ...BAD_RESPONSE_BODIES, ...OVERLONG_RESPONSES].map(([, bytes]) => bytes),
  );
  assert.equal(requests.size, SMUGGLING_CASES.length);
  assert.equal(responses.size, BAD_RESPONSES.length + BAD_RESPONSE_BODIES.length + OVERLONG_RESPONSES.length);
  assert.ok(requests.size >= 300 && responses.size >= 80, `${requests.size} requests, ${responses.size} responses`);
});

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

/** What is within the grammar, however odd, and what the host then reads, the fields of ours left out. */
const odd: readonly (readonly [why: string, sent: string, read: string])[] = [
  [
    "a request in the body of a GET",
    "GET / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 42\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 42\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n",
  ],
  [
    "a request in a chunk",
    "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: Chunked\r\n\r\n" +
    "00c\r\nGET /x HTTP/\r\n000\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nGET /x HTTP/\r\n0\r\n\r\n",
  ],
  [
    "the absolute form",
    "GET HTTPS://API.test:443?a HTTP/1.1\r\nHost: api.test.\r\n\r\n",
    "GET /?a HTTP/1.1\r\nHost: api.test\r\n\r\n",
  ],
  [
    "two slashes before a name, which is a path",
    "GET //other.test/a HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "GET //other.test/a HTTP/1.1\r\nHost: api.test\r\n\r\n",
  ],
  ["HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"],
];
for (const [why, sent, read] of odd) {
  Deno.test(`TM-18 one request reaches the host for ${why}`, async () => {
    await using lab = await openLab();
    using client = await lab.client();
    await client.send(sent);
    assert.equal((await client.response()).status, 200);
    assert.deepEqual(lab.upstream.requests.map((request) => request.replace("Accept-Encoding: identity\r\n", "")), [
      read,
    ]);
  });
}

Deno.test("TM-24 a field of inner spaces is read in a moment", async () => {
  await using lab = await openLab();
  using client = await lab.client();
  const start = performance.now();
  for (let count = 0; count < 8; count++) {
    await client.send(`GET / HTTP/1.1\r\nHost: api.test\r\nX-A: a${" ".repeat(60_000)}b\r\n\r\n`);
    assert.equal((await client.response()).status, 200);
  }
  // With an expression that tries each space as the beginning of the end: ten seconds.
  assert.ok(performance.now() - start < 3_000);
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

Deno.test("TM-18 responses whose body does not end as announced are never whole to the client", async () => {
  const responses = new Map(BAD_RESPONSE_BODIES.map(([, bytes], at) => [`/${at}`, bytes]));
  await using lab = await openLab({ respond: (request) => responses.get(request.split(" ")[1]!) ?? okay("good") });
  await eachCase(BAD_RESPONSE_BODIES.map(([why], at) => [why, `/${at}`] as const), async ([, path]) => {
    using client = await lab.client();
    await client.send(`GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`);
    const response = await client.response();
    assert.ok(response.status === 502 || !response.whole, response.head + response.body);
  });
});

Deno.test("TM-18 bytes after a response's end are not taken for the next response", async () => {
  const responses = new Map(OVERLONG_RESPONSES.map(([, bytes], at) => [`/${at}`, bytes]));
  await using lab = await openLab({ respond: (request) => responses.get(request.split(" ")[1]!) ?? okay("two") });
  await eachCase(OVERLONG_RESPONSES.map(([why], at) => [why, `/${at}`] as const), async ([, path]) => {
    using client = await lab.client();
    await client.send(`GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`);
    const first = await client.response();
    assert.ok([200, 204, 304].includes(first.status), first.head);
    assert.doesNotMatch(first.body, /planted/);
    if (first.status === 204) assert.doesNotMatch(first.head, /^content-length/im);
    await client.send("GET /second HTTP/1.1\r\nHost: api.test\r\n\r\n");
    assert.equal((await client.response()).body, "two");
  });
  assert.equal(lab.upstream.connections, 2 * OVERLONG_RESPONSES.length);
});

Deno.test("TM-18 a body after a response to HEAD is not taken for the next response", async () => {
  await using lab = await openLab({ respond: (request) => okay(request.startsWith("HEAD") ? "planted" : "two") });
  using client = await lab.client();
  await client.send("HEAD / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response("HEAD")).status, 200);
  await client.send("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
  assert.equal((await client.response()).body, "two");
});
