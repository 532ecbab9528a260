/** The messages of WebSockets on the running proxy, as bytes. */
import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { CANARY } from "../testing/lab.ts";
import { OPCODE } from "./frame.ts";
import { clientFrame, closePayload, hostFrame } from "./testing/raw_frames.ts";
import { openWebSocketLab, switching, until, type WebSocketLab } from "./testing/websocket_lab.ts";

// requirement: P-1.5

const { continuation, text, binary, close, ping, pong } = OPCODE;
const GRANTED = ["websocket"];

/** The client is told with a Close frame, the host is cut off and has seen nothing of it, the operator knows the code. */
async function assertClosed(open: WebSocketLab, closeCode: number, refusal: string): Promise<void> {
  let frame = await open.client.next();
  while (frame.opcode !== close) frame = await open.client.next();
  assert.equal(frame.payload, closePayload(closeCode, refusal));
  await open.client.send(clientFrame({ opcode: close, payload: closePayload(closeCode) }));
  await until(() => open.client.ended && open.lab.upstream.open === 0 && open.lab.refusals.length > 0);
  assert.equal(open.lab.refusals[0]?.code, refusal);
  assert.equal(open.lab.refusals[0]?.facts.host, "api.test");
}

Deno.test("A WebSocket carries messages, pings and the closing handshake both ways", async () => {
  await using open = await openWebSocketLab();
  const { client, host } = open;
  await client.send(
    clientFrame({ opcode: text, payload: "héllo" }),
    clientFrame({ opcode: binary, payload: "\0\xff" }),
  );
  const first = await host.next();
  assert.deepEqual([first.opcode, first.fin, first.masked, first.payload], [text, true, true, "héllo"]);
  assert.equal((await host.next()).payload, "\0\xff");
  await host.send(hostFrame({ opcode: text, payload: "answer" }), hostFrame({ opcode: ping, payload: "beat" }));
  const answer = await client.next();
  assert.deepEqual([answer.opcode, answer.fin, answer.masked, answer.payload], [text, true, false, "answer"]);
  assert.equal((await client.next()).payload, "beat");
  await client.send(clientFrame({ opcode: pong, payload: "beat" }));
  assert.deepEqual((await host.next()).opcode, pong);
  await client.send(clientFrame({ opcode: close, payload: closePayload(4001, "done") }));
  assert.equal((await host.next()).payload, closePayload(4001, "done"));
  await host.send(hostFrame({ opcode: close, payload: closePayload(4001, "done") }));
  host[Symbol.dispose]();
  assert.equal((await client.next()).payload, closePayload(4001, "done"));
  await until(() => client.ended);
  assert.deepEqual(open.lab.refusals, []);
});

Deno.test("A WebSocket carries a megabyte in one message, and more in fragments, both ways unchanged", async () => {
  await using open = await openWebSocketLab();
  for (const size of [LIMITS.webSocketMessageBytes, LIMITS.webSocketMessageBytes + 1, 3_000_000]) {
    const payload = Array.from({ length: Math.ceil(size / 8) }, (_, at) => `${at}`.padStart(8, ".")).join("").slice(
      0,
      size,
    );
    await open.client.send(clientFrame({ opcode: text, payload }));
    assert.ok(await open.host.message() === payload, `${size} to the host`);
    await open.host.send(hostFrame({ opcode: text, payload }));
    assert.ok(await open.client.message() === payload, `${size} to the client`);
  }
});

Deno.test("A token in a text message is replaced: in JSON escaped, else as it is, and masked with a fresh key", async () => {
  const value = 'quote"and\\slash-ü';
  await using open = await openWebSocketLab({ in: GRANTED, value });
  const { client, host, lab } = open;
  const json = JSON.stringify({ op: "auth", token: lab.token, list: [`Bearer ${lab.token}`] });
  await client.send(clientFrame({ opcode: text, payload: json }));
  const first = await host.next();
  const read = new TextDecoder().decode(Uint8Array.from(first.payload, (char) => char.charCodeAt(0)));
  assert.deepEqual(JSON.parse(read), { op: "auth", token: value, list: [`Bearer ${value}`] });
  await client.send(clientFrame({ opcode: text, payload: `PASS ${lab.token}` }));
  const second = await host.next();
  assert.equal(second.payload, `PASS ${String.fromCharCode(...new TextEncoder().encode(value))}`);
  assert.equal(new Set([first.mask, second.mask, "\x12\x34\x56\x78"]).size, 3);
});

Deno.test("A token that is split over fragments and reads, with a ping between, is replaced", async () => {
  await using open = await openWebSocketLab({ in: GRANTED });
  const { client, host, lab } = open;
  const frames = clientFrame({ opcode: text, payload: `x ${lab.token.slice(0, 20)}`, fin: false }) +
    clientFrame({ opcode: ping, payload: "p" }) +
    clientFrame({ opcode: continuation, payload: lab.token.slice(20), fin: false }) +
    clientFrame({ opcode: continuation });
  for (const byte of frames) await client.send(byte);
  assert.deepEqual([(await host.next()).payload, (await host.next()).payload], ["p", `x ${CANARY}`]);
});

/** Where a token may not stand, as frames; whether with `in = ["websocket"]` or without. */
const MISPLACED: readonly (readonly [why: string, granted: boolean, frames: (token: string) => string])[] = [
  ["a text message without a grant", false, (token) => clientFrame({ opcode: text, payload: token })],
  ["a binary message", true, (token) => clientFrame({ opcode: binary, payload: `\0${token}` })],
  ["a ping", true, (token) => clientFrame({ opcode: ping, payload: token })],
  ["a pong", true, (token) => clientFrame({ opcode: pong, payload: token })],
  ["a close reason", true, (token) => clientFrame({ opcode: close, payload: closePayload(1000, token) })],
  ["a name in JSON", true, (token) => clientFrame({ opcode: text, payload: JSON.stringify({ [token]: 1 }) })],
  ["base64", true, (token) => clientFrame({ opcode: text, payload: btoa(`user:${token}`) })],
  ["base64 in a binary message", true, (token) => clientFrame({ opcode: binary, payload: btoa(token) })],
  [
    "JSON escapes",
    true,
    (token) => clientFrame({ opcode: text, payload: `{"a":"\\u006b${token.slice(1)}"}` }),
  ],
  [
    "percent escapes beside a right one",
    true,
    (token) => clientFrame({ opcode: text, payload: `${token} %6b${token.slice(1)}` }),
  ],
  [
    "JSON that names a member twice",
    true,
    (token) => clientFrame({ opcode: text, payload: `{"a":"${token}","a":"b"}` }),
  ],
  [
    "fragments of a binary message",
    true,
    (token) =>
      clientFrame({ opcode: binary, payload: token.slice(0, 9), fin: false }) +
      clientFrame({ opcode: continuation, payload: token.slice(9) }),
  ],
  [
    "a message too long to be held, over its fragments",
    true,
    (token) =>
      clientFrame({ opcode: text, payload: "a".repeat(LIMITS.webSocketMessageBytes) + token.slice(0, 9), fin: false }) +
      clientFrame({ opcode: continuation, payload: token.slice(9) }),
  ],
];

for (const [why, granted, frames] of MISPLACED) {
  Deno.test(`TM-05 a token in ${why} closes the WebSocket and does not go out`, async () => {
    await using open = await openWebSocketLab(granted ? { in: GRANTED } : {});
    await open.client.send(frames(open.lab.token));
    await assertClosed(open, 1008, "PROXY_TOKEN_MISPLACED");
    await until(() => open.lab.upstream.open === 0);
    const seen = open.host.frames.map(({ payload }) => payload).join("");
    assert.ok(!open.lab.upstream.received.includes(CANARY) && !seen.includes("kz_masked_"));
    assert.ok(open.host.frames.every(({ fin }) => !fin), "no whole message went out");
  });
}

Deno.test("TM-05 what is refused on a WebSocket names the secret to the operator", async () => {
  await using open = await openWebSocketLab();
  await open.client.send(clientFrame({ opcode: text, payload: open.lab.token }));
  await assertClosed(open, 1008, "PROXY_TOKEN_MISPLACED");
  assert.equal(open.lab.refusals[0]?.facts.secret, "API_TOKEN");
});

Deno.test("TM-15 a token in a text message that may not go to this host closes the WebSocket", async () => {
  await using open = await openWebSocketLab({ in: GRANTED });
  await open.client.send(clientFrame({ opcode: text, payload: open.lab.secondToken }));
  await assertClosed(open, 1008, "POLICY_SECRET_HOST_DENIED");
  assert.equal(open.lab.refusals[0]?.facts.secret, "OTHER_TOKEN");
});

Deno.test("TM-17 a real value in a message closes the WebSocket and does not go out", async () => {
  for (const opcode of [text, binary] as const) {
    await using open = await openWebSocketLab({ in: GRANTED });
    await open.client.send(clientFrame({ opcode, payload: `key=${CANARY}` }));
    await assertClosed(open, 1008, "POLICY_VALUE_OUTGOING");
    assert.deepEqual(open.host.frames, []);
  }
});

Deno.test("A token of another run in a text message closes the WebSocket", async () => {
  await using open = await openWebSocketLab({ in: GRANTED });
  await open.client.send(clientFrame({ opcode: text, payload: `kz_masked_${"0".repeat(32)}` }));
  await assertClosed(open, 1008, "PROXY_TOKEN_UNKNOWN");
});

const ENCODED: readonly (readonly [why: string, echo: string])[] = [
  ["as it is", CANARY],
  ["in base64", btoa(`x${CANARY}`)],
  ["in hex", [...CANARY].map((char) => char.charCodeAt(0).toString(16)).join("")],
];

for (const [why, echo] of ENCODED) {
  Deno.test(`TM-01 a value in a text message, ${why}, is replaced by its token`, async () => {
    await using open = await openWebSocketLab();
    await open.host.send(hostFrame({ opcode: text, payload: `<${echo}>` }));
    const seen = await open.client.message();
    assert.ok(seen.includes(open.lab.token) && !seen.includes(echo.slice(4, -4)));
  });
}

Deno.test("TM-01 a value in a binary message, a ping and a close reason is replaced, and their lengths stay", async () => {
  await using open = await openWebSocketLab();
  await open.host.send(
    hostFrame({ opcode: binary, payload: `\x1e${CANARY}\xff` }),
    hostFrame({ opcode: ping, payload: CANARY }),
    hostFrame({ opcode: close, payload: closePayload(4000, CANARY) }),
  );
  for (const sent of [`\x1e${CANARY}\xff`, CANARY, closePayload(4000, CANARY)]) {
    const { payload } = await open.client.next();
    assert.equal(payload.length, sent.length);
    assert.ok(payload.includes("kz_masked_") && !payload.includes(CANARY));
  }
});

Deno.test("TM-01 a value in the head of a 101 is replaced by its token", async () => {
  await using open = await openWebSocketLab({ answer: (accept) => switching(accept, `X-Echo: ${CANARY}\r\n`) });
  assert.ok(open.head.includes(`X-Echo: ${open.lab.token}\r\n`) && !open.head.includes(CANARY));
});

for (const opcode of [text, binary] as const) {
  Deno.test(`TM-03 a value that is split over frames, reads and pings is replaced (${opcode === text ? "text" : "binary"})`, async () => {
    await using open = await openWebSocketLab();
    const frames = [...`a ${CANARY} b`].map((char, at) =>
      hostFrame({ opcode: at === 0 ? opcode : continuation, payload: char, fin: false }) +
      (at % 5 === 0 ? hostFrame({ opcode: ping, payload: `${at}` }) : "")
    ).join("") + hostFrame({ opcode: continuation });
    for (let at = 0; at < frames.length; at += 3) {
      await open.host.send(frames.slice(at, at + 3));
      await new Promise((resolve) =>
        setTimeout(resolve, 1)
      );
    }
    await until(() => open.client.frames.some(({ opcode, fin }) => opcode < close && fin));
    const data = open.client.frames.filter(({ opcode }) => opcode < close);
    const seen = data.map(({ payload }) => payload).join("");
    assert.ok(seen.startsWith("a kz_masked_") && seen.endsWith(" b") && !seen.includes(CANARY));
    assert.deepEqual(data.map(({ opcode }) => opcode), [opcode, ...data.slice(1).map(() => continuation)]);
    assert.deepEqual(data.map(({ fin }) => fin), [...data.slice(1).map(() => false), true]);
    const pings = open.client.frames.filter(({ opcode }) => opcode === ping).map(({ payload }) => payload);
    assert.deepEqual(pings, Array.from({ length: pings.length }, (_, at) => `${at * 5}`));
    assert.ok(pings.length > 5);
  });
}

Deno.test("A fragment goes on before the rest of its message has come, and a ping between keeps its place", async () => {
  await using open = await openWebSocketLab();
  await open.host.send(hostFrame({ opcode: text, payload: "tick", fin: false }), hostFrame({ opcode: ping }));
  assert.deepEqual([(await open.client.next()).payload, (await open.client.next()).opcode], ["tick", ping]);
  await open.host.send(hostFrame({ opcode: continuation, payload: "tock" }));
  assert.equal((await open.client.next()).payload, "tock");
});

const HOST_FAULTS: readonly (readonly [why: string, bytes: string, code?: number])[] = [
  ["compresses all the same", hostFrame({ opcode: text, rsv: 4, payload: CANARY })],
  ["masks", clientFrame({ opcode: text, payload: CANARY })],
  ["uses an unknown opcode", hostFrame({ opcode: 3, payload: CANARY })],
  ["announces more than a number holds", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009],
];

for (const [why, bytes, code = 1002] of HOST_FAULTS) {
  Deno.test(`TM-02 a host that ${why} ends the WebSocket`, async () => {
    await using open = await openWebSocketLab();
    await open.host.send(hostFrame({ opcode: text, payload: "before" }) + bytes);
    await assertClosed(open, code, "PROXY_UPSTREAM_INVALID");
    assert.ok(!open.client.frames.some(({ payload }) => payload.includes(CANARY)) && open.client.rest === "");
  });
}

const CLIENT_FAULTS: readonly (readonly [why: string, bytes: string])[] = [
  ["does not mask", hostFrame({ opcode: text, payload: "x" })],
  ["compresses", clientFrame({ opcode: text, rsv: 4, payload: "x" })],
  ["continues nothing", clientFrame({ opcode: continuation, payload: "x" })],
  ["sends HTTP", "GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n"],
];

for (const [why, bytes] of CLIENT_FAULTS) {
  Deno.test(`TM-21 a client that ${why} on a WebSocket is cut off from the host`, async () => {
    await using open = await openWebSocketLab();
    await open.client.send(bytes);
    const frame = await open.client.next();
    assert.deepEqual([frame.opcode, frame.payload], [close, closePayload(1002, "PROXY_WEBSOCKET_INVALID")]);
    await until(() => open.client.ended && open.lab.upstream.open === 0);
    assert.equal(open.lab.refusals[0]?.code, "PROXY_WEBSOCKET_INVALID");
    assert.deepEqual([open.host.frames, open.host.rest], [[], ""]);
  });
}

Deno.test("A client that goes away closes the host's side, and the other way round", async () => {
  await using gone = await openWebSocketLab();
  gone.client[Symbol.dispose]();
  await until(() => gone.lab.upstream.open === 0);
  await using cut = await openWebSocketLab();
  cut.lab.upstream.cut();
  await until(() => cut.client.ended);
  assert.deepEqual([gone.lab.refusals, cut.lab.refusals], [[], []]);
});
