import assert from "node:assert/strict";
import { CANARY, CLOSE, type Lab, openLab } from "../testing/lab.ts";

/** What is sent, with the token in it. */
type Request = (token: string) => string;

const head = (fields: string, path = "/") => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n${CLOSE}\r\n`;
const post = (body: string, type = "text/plain") =>
  `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n${CLOSE}\r\n${body}`;
const hex = (text: string) => Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const percent = (text: string) => hex(text).replace(/../g, "%$&");

async function assertRefused(lab: Lab, request: string, why: string): Promise<void> {
  lab.upstream.received = "";
  const answer = await lab.inside(request);
  assert.match(answer, /^HTTP\/1\.1 403 /, why);
  assert.match(answer, /PROXY_TOKEN_MISPLACED/, why);
  assert.ok(!answer.includes("API_TOKEN") && !answer.includes(CANARY), why);
  assert.equal(lab.upstream.received, "", why);
}

const LOGGED_HEADERS = [
  "Cookie",
  "cookie",
  "Referer",
  "Origin",
  "User-Agent",
  "Via",
  "Forwarded",
  "X-Forwarded-For",
  "x-forwarded-host",
  "X-Forwarded-Anything",
];

for (const name of LOGGED_HEADERS) {
  Deno.test(`TM-04 a token in ${name} is refused unless the secret names that header`, async () => {
    await using lab = await openLab();
    await assertRefused(lab, head(`${name}: a=${lab.token}`), name);
    assert.equal(lab.refusals[0]?.facts.secret, "API_TOKEN");
    await using named = await openLab({ in: [`header:${name}`] });
    const answer = await named.inside(head(`${name}: a=${named.token}`));
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.ok(named.upstream.requests[0]!.includes(`${name}: a=${CANARY}\r\n`));
  });
}

Deno.test("TM-04 a secret that names one header may stand in no other", async () => {
  await using lab = await openLab({ in: ["header:X-Api-Key"] });
  await assertRefused(lab, head(`Authorization: Bearer ${lab.token}`), "another header");
  await assertRefused(lab, head(`Authorization: Basic ${btoa(`user:${lab.token}`)}`), "Basic in another header");
  assert.match(await lab.inside(head(`x-api-key: ${lab.token}`)), /^HTTP\/1\.1 200 /);
});

Deno.test("TM-04 a token in Host is refused, as it names another host", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: ${lab.token}\r\n${CLOSE}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 421 /);
  assert.equal(lab.upstream.received, "");
});

const ELSEWHERE: readonly (readonly [why: string, request: Request])[] = [
  ["the path", (token) => head("", `/gists/${token}`)],
  ["the query", (token) => head("", `/?key=${token}`)],
  ["the query, percent-encoded", (token) => head("", `/?key=${percent(token)}`)],
  ["the query of the absolute form", (token) => head("", `https://api.test/?key=${token}`)],
  ["a text body", (token) => post(`hello ${token}`)],
  ["a JSON body", (token) => post(JSON.stringify({ content: token }), "application/json")],
  ["a form body", (token) => post(`content=${token}`, "application/x-www-form-urlencoded")],
  ["a body in base64", (token) => post(btoa(`x${token}`))],
  ["a body in hexadecimal", (token) => post(hex(token))],
  ["a header name", (token) => head(`X-${token}: 1`)],
];

for (const [why, request] of ELSEWHERE) {
  Deno.test(`TM-04 a token in ${why} is refused`, async () => {
    await using lab = await openLab();
    await assertRefused(lab, request(lab.token), why);
  });
}

Deno.test("TM-05 a right header besides a copy elsewhere is refused", async () => {
  await using lab = await openLab();
  const fields = `Authorization: Bearer ${lab.token}\r\n`;
  await assertRefused(lab, head(`${fields}X-Copy: ${btoa(`..${lab.token}`)}`), "base64 in another header");
  await assertRefused(lab, head(`${fields}X-Copy: ${hex(lab.token)}`), "hexadecimal in another header");
  await assertRefused(lab, head(`Authorization: Bearer ${lab.token} ${percent(lab.token)}`), "in the same header");
  await assertRefused(lab, head(fields, `/?a=${lab.token}`), "in the query");
  const body = `{"a":"${lab.token}"}`;
  await assertRefused(
    lab,
    `POST / HTTP/1.1\r\nHost: api.test\r\n${fields}Content-Length: ${body.length}\r\n${CLOSE}\r\n${body}`,
    "in the body",
  );
});

Deno.test("TM-05 a header that holds a token and stands twice is refused", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(head(`X-Api-Key: ${lab.token}\r\nx-api-key: other`));
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /PROXY_TOKEN_REPEATED/);
  assert.equal(lab.upstream.received, "");
});

Deno.test("TM-05 a token in a body that streams ends the request before it is whole", async () => {
  await using lab = await openLab();
  const token = lab.token;
  // Split over two chunks, so that neither holds it.
  const chunks = [`a${token.slice(0, 20)}`, `${token.slice(20)}b`];
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("") + "0\r\n\r\n";
  const answer = await lab.inside(`POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.deepEqual(lab.upstream.requests, []);
  assert.ok(!lab.upstream.received.includes("kz_masked_"));
  assert.equal(lab.refusals[0]?.code, "PROXY_TOKEN_MISPLACED");
});
