/** The handshake of WebSockets on the running proxy, as bytes. */
import assert from "node:assert/strict";
import { CANARY, type Lab, okay, openLab } from "../testing/lab.ts";
import { acceptFor, handshake, KEY, KEY_ACCEPT, openWebSocketLab, switching, until } from "./testing/websocket_lab.ts";

/** The answer to a request that is none of a WebSocket. */
async function ask(lab: Lab, bytes: string): Promise<string> {
  using client = await lab.client();
  await client.send(bytes);
  const { head, body } = await client.response();
  return head + body;
}

Deno.test("A WebSocket handshake is rebuilt: a fresh key, no extension, and the answer to the client's own key", async () => {
  await using open = await openWebSocketLab({
    fields: (lab) =>
      `Authorization: Bearer ${lab.token}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n` +
      "Sec-WebSocket-Protocol: chat.v2, Chat\r\nX-Kept: yes\r\n",
    answer: (accept) => switching(accept, "Sec-WebSocket-Protocol: Chat\r\nAlt-Svc: h3\r\nSet-Cookie: a=b\r\n"),
  });
  const request = open.lab.upstream.requests[0]!;
  assert.match(request, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m"));
  assert.match(request, /^GET \/socket HTTP\/1.1\r\n/);
  assert.match(request, /^Connection: Upgrade\r$/m);
  assert.match(request, /^Upgrade: websocket\r$/m);
  assert.match(request, /^Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r$/m);
  assert.match(request, /^Sec-WebSocket-Protocol: chat.v2, Chat\r$/m);
  assert.match(request, /^X-Kept: yes\r$/m);
  assert.ok(!request.includes(KEY) && !/extensions/i.test(request));
  assert.match(open.head, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  assert.ok(open.head.includes(`Sec-WebSocket-Accept: ${KEY_ACCEPT}\r\n`));
  assert.match(open.head, /^Sec-WebSocket-Protocol: Chat\r$/m);
  assert.match(open.head, /^Set-Cookie: a=b\r$/m);
  assert.ok(!/alt-svc/i.test(open.head));
});

Deno.test("TM-04 a token among subprotocols, which servers echo, is replaced only where that header is named", async () => {
  await using refused = await openLab();
  const answer = await ask(refused, handshake(`Sec-WebSocket-Protocol: realtime, key.${refused.token}\r\n`));
  assert.match(answer, /^HTTP\/1.1 403 [^]*PROXY_TOKEN_MISPLACED/);
  assert.deepEqual(refused.upstream.requests, []);
  await using open = await openWebSocketLab({
    in: ["header:Sec-WebSocket-Protocol"],
    fields: (lab) => `Sec-WebSocket-Protocol: realtime, key.${lab.token}\r\n`,
    answer: (accept, request) =>
      switching(
        accept,
        /^Sec-WebSocket-Protocol: key\.\S+\r\n/m.exec(request)?.[0] ?? "Sec-WebSocket-Protocol: realtime\r\n",
      ),
  });
  assert.match(open.lab.upstream.requests[0]!, new RegExp(`^Sec-WebSocket-Protocol: realtime, key.${CANARY}\r$`, "m"));
});

Deno.test("TM-01 a WebSocket handshake that the host refuses is answered as any request, and its connection ends", async () => {
  await using lab = await openLab({ respond: (request) => okay(request).replace("200 OK", "403 Forbidden") });
  const answer = await lab.inside(handshake(`Authorization: Bearer ${lab.token}\r\n`));
  assert.match(answer, /^HTTP\/1.1 403 Forbidden\r\n[^]*Connection: close\r\n/);
  assert.ok(answer.includes(`Bearer ${lab.token}`) && !answer.includes(CANARY));
});

Deno.test("A WebSocket handshake goes by the connection rules of a GET", async () => {
  await using lab = await openLab({ rules: [{ allow: true, host: "api.test", paths: ["/other"] }] });
  assert.match(await ask(lab, handshake()), /POLICY_REQUEST_DENIED/);
});

/** Handshakes that are not RFC 6455's §4.1, as a change of the right one. */
const BAD_HANDSHAKES: readonly (readonly [why: string, change: (head: string) => string])[] = [
  ["POST", (head) => head.replace("GET", "POST")],
  ["HEAD", (head) => head.replace("GET", "HEAD")],
  ["HTTP/1.0", (head) => head.replace("HTTP/1.1", "HTTP/1.0")],
  ["no Connection", (head) => head.replace("Connection: Upgrade\r\n", "")],
  ["a Connection without Upgrade", (head) => head.replace("Connection: Upgrade", "Connection: keep-alive")],
  ["h2c", (head) => head.replace("Upgrade: websocket", "Upgrade: h2c")],
  ["two protocols", (head) => head.replace("Upgrade: websocket", "Upgrade: websocket, h2c")],
  ["a protocol with a version", (head) => head.replace("Upgrade: websocket", "Upgrade: websocket/13")],
  ["Upgrade twice", (head) => head.replace("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket")],
  ["no version", (head) => head.replace("Sec-WebSocket-Version: 13\r\n", "")],
  ["version 8", (head) => head.replace("Version: 13", "Version: 8")],
  ["two versions", (head) => head.replace("Version: 13", "Version: 13, 8")],
  ["no key", (head) => head.replace(`Sec-WebSocket-Key: ${KEY}\r\n`, "")],
  ["a key of 15 bytes", (head) => head.replace(KEY, btoa("a".repeat(15)))],
  ["a key of 17 bytes", (head) => head.replace(KEY, btoa("a".repeat(17)))],
  ["a key that is not canonical", (head) => head.replace(KEY, KEY.replace("Q==", "R=="))],
  ["two keys", (head) => head.replace(`Key: ${KEY}`, `Key: ${KEY}\r\nSec-WebSocket-Key: ${KEY}`)],
  ["a subprotocol that is no token", (head) => head.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a b\r\n\r\n")],
  ["a subprotocol twice", (head) => head.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, a\r\n\r\n")],
  ["a body", (head) => head.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello")],
  ["chunks", (head) => head.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")],
  ["an expectation", (head) => head.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")],
];

for (const [why, change] of BAD_HANDSHAKES) {
  Deno.test(`TM-21 a WebSocket handshake with ${why} is refused`, async () => {
    await using lab = await openLab();
    const answer = await lab.inside(change(handshake()));
    assert.match(answer, /^HTTP\/1.1 (400|501) /);
    assert.deepEqual(lab.upstream.requests, []);
    assert.deepEqual(lab.refusals.map(({ code }) => code), [
      why.startsWith("Upgrade twice") || why.startsWith("two keys") ? "HTTP_FIELD_REPEATED" : "HTTP_UPGRADE_REFUSED",
    ]);
  });
}

/** Answers to a handshake that are not RFC 6455's §4.2.2. */
const BAD_ANSWERS: readonly (readonly [why: string, change: (answer: string) => string])[] = [
  ["no accept", (answer) => answer.replace(/Sec-WebSocket-Accept: .*\r\n/, "")],
  ["the accept of another key", (answer) => answer.replace(/(Accept: ).*/, `$1${KEY_ACCEPT}`)],
  ["no Upgrade", (answer) => answer.replace("Upgrade: websocket\r\n", "")],
  ["another protocol", (answer) => answer.replace("Upgrade: websocket", "Upgrade: h2c")],
  ["no Connection", (answer) => answer.replace("Connection: Upgrade\r\n", "")],
  ["HTTP/1.0", (answer) => answer.replace("HTTP/1.1", "HTTP/1.0")],
  ["an extension", (answer) => answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")],
  ["a subprotocol", (answer) => answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n")],
  ["a length", (answer) => answer.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello")],
  ["chunks", (answer) => answer.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n")],
  ["the accept twice", (answer) => answer.replace(/Sec-WebSocket-Accept: .*\r\n/, "$&$&")],
];

for (const [why, change] of BAD_ANSWERS) {
  Deno.test(`TM-21 a host's answer to a WebSocket handshake with ${why} is not passed on`, async () => {
    await using lab = await openLab({ respond: async (request) => change(switching(await acceptFor(request))) });
    using client = await lab.client();
    await client.send(handshake());
    const { status, head, body } = await client.response();
    assert.equal(status, 502);
    assert.match(head + body, /PROXY_UPSTREAM_INVALID/);
    await until(() => lab.upstream.open === 0);
  });
}

Deno.test("TM-21 a 101 that was not asked for is not passed on", async () => {
  await using lab = await openLab({ respond: () => switching(KEY_ACCEPT) });
  assert.match(
    await lab.inside(handshake().replace("Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: close\r\n")),
    /^HTTP\/1.1 502 /,
  );
});
