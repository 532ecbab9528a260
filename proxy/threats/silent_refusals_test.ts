import assert from "node:assert/strict";
import fc from "fast-check";
import { CANARY, CLOSE, type Lab, openLab } from "../testing/lab.ts";

/** What the attacker plants in a request, to find it again in what is said of it. */
const MARK = "mark-5d1f0c";

/** Everything that is told of a run: to the client, and to the operator. */
function told(lab: Lab, answer: string): string {
  const events = lab.refusals.map((refusal) => [
    Deno.inspect(refusal, { depth: 9, showHidden: true }),
    JSON.stringify({ code: refusal.code, facts: refusal.facts }),
    refusal.message,
    refusal.body(),
  ]);
  return [answer, ...events.flat()].join("\n");
}

function assertSilent(text: string): void {
  for (const hidden of [CANARY, MARK, btoa(CANARY).slice(0, 36), encodeURIComponent(CANARY)]) {
    assert.ok(!text.includes(hidden));
  }
}

/** Parts of requests, most of them wrong, with the mark in all of them. */
const part = fc.constantFrom(
  "",
  MARK,
  ` ${MARK}`,
  `/${MARK}`,
  `:${MARK}`,
  "\0",
  "\r",
  "\n",
  "TOKEN",
  "=",
  "%",
  "\xff",
  "a",
);
const text = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(""));
const request = fc.record({
  method: fc.constantFrom("GET", "POST", "TRACE", "get", MARK, `GET ${MARK}`),
  target: fc.oneof(
    fc.constantFrom("/", "*", "https://api.test/", `https://${MARK}.test/`),
    text.map((rest) => `/${rest}`),
  ),
  version: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", MARK),
  host: fc.oneof(fc.constant("api.test"), text),
  fields: fc.array(fc.tuple(fc.oneof(fc.constantFrom("Authorization", "Cookie", "Expect", "Upgrade"), text), text), {
    maxLength: 3,
  }),
  framing: fc.constantFrom("", "Content-Length: 5\r\n", "Content-Length: x\r\n", "Transfer-Encoding: chunked\r\n"),
  body: text,
});

Deno.test("TM-30 nothing that is told of a refusal holds a value or a piece of the request", async () => {
  await using lab = await openLab({ hosts: ["other.test"], rules: [{ allow: true, host: "api.test" }] });
  const send = async (bytes: string) => {
    using client = await lab.client();
    await client.send(bytes).catch(() => {});
    await client.conn.closeWrite().catch(() => {});
    return await client.rest();
  };
  await fc.assert(
    fc.asyncProperty(request, async ({ method, target, version, host, fields, framing, body }) => {
      const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const head = `${method} ${target} ${version}\r\nHost: ${host}\r\n${lines}${framing}${CLOSE}\r\n`;
      const answer = await send(`${head}${body}`.replaceAll("TOKEN", lab.token));
      if (!answer.startsWith("HTTP/1.1 200 ")) assertSilent(answer);
    }),
    { numRuns: 60 },
  );
  assert.ok(lab.refusals.length > 10);
  assertSilent(told(lab, ""));
});

Deno.test("TM-30 a refusal tells the client its code and host and nothing else", async () => {
  await using lab = await openLab({ hosts: ["other.test"] });
  const answer = await lab.inside(
    `GET /${MARK} HTTP/1.1\r\nHost: api.test\r\nX-${MARK}: ${lab.token}\r\n${CLOSE}\r\n`,
  );
  const { error } = JSON.parse(answer.slice(answer.indexOf("{")));
  assert.deepEqual(Object.keys(error).sort(), ["code", "host", "message"]);
  assert.equal(error.host, "api.test");
  assertSilent(told(lab, answer));
});

Deno.test("TM-30 an error of the host is told without its bytes", async () => {
  await using lab = await openLab({ respond: () => `HTTP/1.1 ${MARK} ${CANARY}\r\n\r\n` });
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\nX-A: ${lab.token}\r\n${CLOSE}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.equal(lab.refusals.length, 1);
  assertSilent(told(lab, answer));
});
