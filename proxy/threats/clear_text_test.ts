import assert from "node:assert/strict";
import { CANARY, CLOSE, type Lab, okay, openLab } from "../testing/lab.ts";

function ask(lab: Lab, host: string, fields = ""): Promise<string> {
  const login = btoa(`kz:${lab.login.password}`);
  const url = `http://${host}:${lab.upstream.port}/a?b`;
  return lab.raw(
    `GET ${url} HTTP/1.1\r\nHost: ${host}:${lab.upstream.port}\r\nProxy-Authorization: Basic ${login}\r\n${fields}${CLOSE}\r\n`,
  );
}

Deno.test("TM-10 a token over clear text is refused, whatever the rules allow", async () => {
  await using lab = await openLab({ rules: [{ allow: true, host: "api.test" }] });
  const login = btoa(`kz:${lab.login.password}`);
  const answer = await lab.raw(
    `GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\nProxy-Authorization: Basic ${login}\r\n` +
      `Authorization: Bearer ${lab.token}\r\n${CLOSE}\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /"PROXY_CLEAR_TEXT"/);
  assert.equal(lab.upstream.received, "");
  assert.equal(lab.refusals[0]?.facts.secret, "API_TOKEN");
});

Deno.test("TM-10 a token over clear text goes to a loopback address that a rule names", async () => {
  await using lab = await openLab({ clear: true, rules: [{ allow: true, host: "127.0.0.1" }] });
  const answer = await ask(lab, "127.0.0.1", `Authorization: Bearer ${lab.token}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(lab.upstream.requests[0]!, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m"));
  assert.ok(lab.upstream.requests[0]!.startsWith(`GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:${lab.upstream.port}\r\n`));
  assert.ok(!lab.upstream.requests[0]!.includes("Proxy-Authorization"));
});

Deno.test("TM-10 an echo over clear text is scrubbed", async () => {
  await using lab = await openLab({
    clear: true,
    rules: [{ allow: true, host: "127.0.0.1" }],
    respond: (request) => okay(request),
  });
  const answer = await ask(lab, "127.0.0.1", `Authorization: Bearer ${lab.token}\r\n`);
  assert.ok(!answer.includes(CANARY) && answer.includes(lab.token));
});

const UNNAMED: readonly (readonly [why: string, rules: NonNullable<Parameters<typeof openLab>[0]>["rules"]])[] = [
  ["no rules", undefined],
  ["a rule for every host", [{ allow: true, host: "*" }]],
  ["a rule by expression", [{ allow: true, host: "/127\\..*/" }]],
];

for (const [why, rules] of UNNAMED) {
  for (const host of ["127.0.0.1", "2130706433", "localhost"]) {
    Deno.test(`TM-10 loopback as ${host} is refused with ${why}`, async () => {
      await using lab = await openLab({ clear: true, ...(rules === undefined ? {} : { rules }) });
      const answer = await ask(lab, host, `Authorization: Bearer ${lab.token}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.equal(lab.upstream.connections, 0);
    });
  }
}

Deno.test("TM-10 clear text without a token passes where the rules allow the host", async () => {
  await using lab = await openLab({ clear: true, rules: [{ allow: true, host: "localhost" }] });
  assert.match(await ask(lab, "localhost"), /^HTTP\/1\.1 200 /);
});

Deno.test("TM-10 the next request on the same connection is decided anew", async () => {
  await using lab = await openLab({ clear: true, rules: [{ allow: true, host: "127.0.0.1", paths: ["/a"] }] });
  using client = await lab.connect();
  const login = btoa(`kz:${lab.login.password}`);
  const host = `127.0.0.1:${lab.upstream.port}`;
  const send = (path: string) =>
    client.send(`GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
  await send("/a");
  assert.equal((await client.response()).status, 200);
  await send("/b");
  assert.equal((await client.response()).status, 403);
  await client.send(`GET http://${host}/a HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal((await client.response()).status, 407);
  assert.equal(lab.upstream.requests.length, 1);
});
