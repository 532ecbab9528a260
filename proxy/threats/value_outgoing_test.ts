import assert from "node:assert/strict";
import { CANARY, CLOSE, openLab } from "../testing/lab.ts";

const base64 = (text: string) => btoa(text);
const head = (fields: string, { method = "POST", target = "/" } = {}) =>
  `${method} ${target} HTTP/1.1\r\nHost: api.test\r\n${fields}${CLOSE}\r\n`;
const withBody = (body: string) => `${head(`Content-Length: ${body.length}\r\n`)}${body}`;

const REQUESTS: readonly [why: string, request: string][] = [
  ["in a header", head(`X-Note: ${CANARY}\r\n`)],
  ["in Authorization", head(`Authorization: Bearer ${CANARY}\r\n`)],
  ["in Basic authentication", head(`Authorization: Basic ${base64(`user:${CANARY}`)}\r\n`)],
  ["in the path", head("", { target: `/x/${CANARY}` })],
  ["in the query, percent-escaped", head("", { target: `/?q=${CANARY.replaceAll("-", "%2D")}` })],
  ["in a body", withBody(`{"note":"${CANARY}"}`)],
  ["in a body, in base64", withBody(`x=${base64(`..${CANARY}..`)}`)],
  ["in a body, in hex", withBody(Array.from(CANARY, (char) => char.charCodeAt(0).toString(16)).join(""))],
];

for (const [why, request] of REQUESTS) {
  Deno.test(`TM-17 a real value that was learnt elsewhere is refused ${why}`, async () => {
    await using lab = await openLab();
    const answer = await lab.inside(request);
    assert.match(answer, /^HTTP\/1\.1 403 [^]*POLICY_VALUE_OUTGOING/);
    assert.ok(!answer.includes(CANARY) && !answer.includes("API_TOKEN"));
    assert.deepEqual(lab.upstream.requests, []);
    assert.equal(lab.refusals[0]?.facts.secret, "API_TOKEN");
  });
}

Deno.test("TM-17 a real value in a body that streams ends the request unfinished", async () => {
  await using lab = await openLab();
  const body = `${"x".repeat(100_000)}${CANARY}${"y".repeat(100_000)}`;
  const answer = await lab.inside(withBody(body));
  assert.match(answer, /POLICY_VALUE_OUTGOING/);
  assert.deepEqual(lab.upstream.requests, []);
  assert.ok(!lab.upstream.received.includes(CANARY));
});

Deno.test("TM-17 the value that the proxy puts in itself is not taken for one that was learnt", async () => {
  await using lab = await openLab({ in: ["header", "body"] });
  const body = `{"a":"${lab.token}"}`;
  const fields =
    `Authorization: Bearer ${lab.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  assert.match(await lab.inside(head(fields) + body), /^HTTP\/1\.1 200 /);
  assert.equal(lab.upstream.requests[0]!.split(CANARY).length - 1, 2);
});
