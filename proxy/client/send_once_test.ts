// Long because it is tables: what may come back, and what may be asked for.
import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { Denial, type DenialCode } from "../../policy/server/denial.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { CANARY, okay, utf8 } from "../testing/lab.ts";
import { RawUpstream } from "../testing/raw_upstream.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";
import { type ClientRequest, type ClientSettings, sendOnce } from "./send_once.ts";

const authority = await CertificateAuthority.create({ now: new Date() });
const HOST = parseHost("api.test");
const certificate = await authority.issue(HOST);

const GET: ClientRequest = {
  origin: { host: HOST, port: 443, secure: true },
  method: "GET",
  pathAndQuery: "/a?b=c",
  fields: [],
  body: undefined,
};

/** Settings for a server that plays `api.test`. */
function settingsFor(server: RawUpstream | { port: number }, changes: Partial<ClientSettings> = {}): ClientSettings {
  return {
    dial: {
      connect: new Map([[HOST, { hostname: "127.0.0.1", port: server.port }]]),
      upstreamCa: [authority.certificatePem],
      anyAddress: true,
    },
    allowPrivate: false,
    maxBytes: 64 * 1024,
    longer: "refuse",
    timeoutMs: 5_000,
    ...changes,
  };
}

async function answered(response: string, changes: Partial<ClientSettings> = {}, request: Partial<ClientRequest> = {}) {
  await using server = new RawUpstream(certificate, () => response);
  return await sendOnce({ ...GET, ...request }, settingsFor(server, changes));
}

function isDenial(code: DenialCode, detail?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Denial, String(error));
    assert.deepEqual([error.code, error.detail], [code, detail ?? error.detail]);
    return true;
  };
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

async function packed(text: string, format: CompressionFormat): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream(format));
  return latin1(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** A response with a body of Latin-1 characters. */
function encoded(body: string, coding: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Encoding: ${coding}\r\n\r\n${body}`;
}

Deno.test("sendOnce() writes the head itself and gives the whole answer", async () => {
  await using server = new RawUpstream(certificate, () => okay("hello", "X-A: 1\r\nConnection: close\r\n"));
  const field = { name: "Accept", lower: "accept", value: "text/plain" };
  const answer = await sendOnce({ ...GET, fields: [field] }, settingsFor(server));
  assert.deepEqual(server.requests, [
    "GET /a?b=c HTTP/1.1\r\nHost: api.test\r\nAccept: text/plain\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n",
  ]);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.fields.map(({ lower, value }) => [lower, value]), [["content-length", "5"], ["x-a", "1"]]);
  assert.equal(latin1(answer.body), "hello");
  assert.equal(answer.truncated, false);
});

Deno.test("sendOnce() sends a body with its length", async () => {
  await using server = new RawUpstream(certificate, () => okay(""));
  await sendOnce({ ...GET, method: "POST", body: utf8("{}") }, settingsFor(server));
  assert.match(server.requests[0]!, /\r\nContent-Length: 2\r\n\r\n\{\}$/);
});

Deno.test("sendOnce() takes an answer that comes before the request is whole", async () => {
  await using server = new RawUpstream(certificate, () => "", {
    onHead: () => "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
  });
  const body = new Uint8Array(8 * 1024 * 1024);
  assert.equal((await sendOnce({ ...GET, method: "POST", body }, settingsFor(server))).status, 413);
});

Deno.test("TM-11 sendOnce() follows no redirect", async () => {
  const answer = await answered("HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n");
  assert.equal(answer.status, 302);
});

const BODIES: readonly (readonly [why: string, response: string | Promise<string>, body: string])[] = [
  [
    "in chunks of a byte",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(9000)}0\r\n\r\n`,
    "x".repeat(9000),
  ],
  ["up to the end of the connection", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", "until the end"],
  ["after informational responses", `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 Go\r\n\r\n${okay("late")}`, "late"],
  ["in gzip", packed("zipped", "gzip").then((body) => encoded(body, "gzip")), "zipped"],
  ["in deflate", packed("zipped", "deflate").then((body) => encoded(body, "deflate")), "zipped"],
  ["without one", "HTTP/1.1 204 No Content\r\n\r\n", ""],
];
for (const [why, response, body] of BODIES) {
  Deno.test(`sendOnce() reads a body ${why}`, async () => {
    assert.equal(latin1((await answered(await response)).body), body);
  });
}

Deno.test("sendOnce() says that a body which it decoded has no coding any more", async () => {
  const answer = await answered(encoded(await packed("a", "gzip"), "gzip"));
  assert.equal(answer.fields.some(({ lower }) => lower === "content-encoding"), false);
});

const REFUSED: readonly (readonly [why: string, response: string | Promise<string>, detail: string])[] = [
  ["with a coding that is not undone", encoded("x", "zstd"), "the body has an encoding that is not undone"],
  ["with two codings", encoded("x", "gzip, gzip"), "the body has an encoding that is not undone"],
  ["whose coding is not what it says", encoded("not gzip at all", "gzip"), "it cannot be read to its end"],
  ["of another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "it breaks HTTP"],
  ["that is not HTTP", "SSH-2.0-x\r\n\r\n", "it breaks HTTP"],
  [
    "with two framings",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
    "it breaks HTTP",
  ],
  ["whose body is cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nx", "it is cut off"],
  ["whose head is cut off", "HTTP/1.1 200 OK\r\nConnection: close\r\n", "it is cut off"],
  ["with endless informational responses", "HTTP/1.1 100 Go\r\n\r\n".repeat(40), "it breaks HTTP"],
];
for (const [why, response, detail] of REFUSED) {
  Deno.test(`sendOnce() refuses a response ${why}`, async () => {
    await assert.rejects(answered(await response), isDenial("UPSTREAM_INVALID", detail));
  });
}

const LENGTHS: readonly (readonly [bytes: number, truncated: boolean])[] = [[99, false], [100, false], [101, true]];
for (const [bytes, truncated] of LENGTHS) {
  Deno.test(`sendOnce() takes a body of ${bytes} bytes under a cap of 100`, async () => {
    const answer = await answered(okay("x".repeat(bytes)), { maxBytes: 100, longer: "cut" });
    assert.deepEqual([answer.body.length, answer.truncated], [Math.min(bytes, 100), truncated]);
    const refused = answered(okay("x".repeat(bytes)), { maxBytes: 100 });
    if (truncated) await assert.rejects(refused, isDenial("UPSTREAM_INVALID", "the body is too long"));
    else assert.equal((await refused).body.length, bytes);
  });
}

Deno.test("TM-24 sendOnce() cuts what decodes to more than the cap", async () => {
  const bomb = encoded(await packed("\0".repeat(50_000_000), "gzip"), "gzip");
  const answer = await answered(bomb, { maxBytes: 1000, longer: "cut" });
  assert.deepEqual([answer.body.length, answer.truncated], [1000, true]);
});

const plan = new ScrubPlan([{ text: CANARY, standIn: "[masked]" }]);
const ECHOES: readonly (readonly [why: string, response: string | Promise<string>])[] = [
  ["the body", okay(`{"echo":"${CANARY}"}`)],
  ["a field", okay("x", `X-Echo: Bearer ${CANARY}\r\n`)],
  ["the reason", `HTTP/1.1 200 ${CANARY}\r\nContent-Length: 0\r\n\r\n`],
  [
    "two chunks",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n${CANARY.slice(0, 9)}\r\n` +
    `${(CANARY.length - 9).toString(16)}\r\n${CANARY.slice(9)}\r\n0\r\n\r\n`,
  ],
  ["a body in gzip", packed(`>${CANARY}<`, "gzip").then((body) => encoded(body, "gzip"))],
  ["base64", okay(btoa(`user:${CANARY}`))],
];
for (const [why, response] of ECHOES) {
  Deno.test(`TM-01 sendOnce() replaces a value that comes back in ${why}`, async () => {
    const { fields, body } = await answered(await response, { valuePlan: plan });
    const seen = JSON.stringify(fields) + latin1(body);
    assert.ok(!seen.includes(CANARY) && !seen.includes(btoa(CANARY).slice(4, 20)), seen);
  });
}

for (let cap = 1; cap <= CANARY.length + 2; cap++) {
  Deno.test(`TM-01 sendOnce() gives no part of a value that the cap of ${cap} would cut`, async () => {
    const { body, truncated } = await answered(okay(`>${CANARY}<${"y".repeat(90)}`), {
      valuePlan: plan,
      maxBytes: cap,
      longer: "cut",
    });
    assert.equal(truncated, true);
    assert.equal(latin1(body), `>[masked]<${"y".repeat(90)}`.slice(0, cap));
  });
}

Deno.test("sendOnce() ends when the time has passed, however the host drips", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const conn = await listener.accept();
    try {
      await conn.write(utf8("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
      for (;;) {
        await conn.write(utf8("x"));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch {
      conn.close();
    }
  })();
  const origin = { host: parseHost("127.0.0.1"), port: listener.addr.port, secure: false };
  const began = performance.now();
  await assert.rejects(
    sendOnce({ ...GET, origin }, settingsFor({ port: 0 }, { allowPrivate: true, timeoutMs: 150 })),
    isDenial("UPSTREAM_TIMEOUT"),
  );
  assert.ok(performance.now() - began < 2_000);
  await served;
});

Deno.test("TM-24 sendOnce() reads no further than the cap", async () => {
  let sent = 0;
  const endless = async (_request: string, conn: Deno.Conn) => {
    await conn.write(utf8("HTTP/1.1 200 OK\r\n\r\n"));
    for (;;) sent += await conn.write(new Uint8Array(64 * 1024));
  };
  await using server = new RawUpstream(certificate, endless);
  const answer = await sendOnce(GET, settingsFor(server, { maxBytes: 1000, longer: "cut" }));
  assert.deepEqual([answer.body.length, answer.truncated], [1000, true]);
  // What the system's buffers take.
  assert.ok(sent < 32 * 1024 * 1024, `${sent}`);
});

Deno.test("sendOnce() ends with its signal", async () => {
  const late = Promise.withResolvers<string>();
  await using server = new RawUpstream(certificate, () => late.promise);
  const controller = new AbortController();
  const sending = sendOnce(GET, settingsFor(server, { signal: controller.signal }));
  const timer = setTimeout(() => controller.abort(new Error("enough")), 100);
  await assert.rejects(sending, /enough/);
  await assert.rejects(sendOnce(GET, settingsFor(server, { signal: controller.signal })), /enough/);
  clearTimeout(timer);
  late.resolve("");
  assert.equal(server.connections, 1);
});

const CERTIFICATES: readonly (readonly [why: string, trusted: boolean, name: string, detail: string])[] = [
  ["for another name", true, "evil.test", "it is for another name"],
  ["of an unknown issuer", false, "api.test", "its issuer is not trusted"],
];
for (const [why, trusted, name, detail] of CERTIFICATES) {
  Deno.test(`TM-09 sendOnce() sends nothing to a host with a certificate ${why}`, async () => {
    await using server = new RawUpstream(await authority.issue(parseHost(name)), () => okay("x"));
    const settings = settingsFor(server);
    const dial = { ...settings.dial, upstreamCa: trusted ? settings.dial.upstreamCa : [] };
    await assert.rejects(sendOnce(GET, { ...settings, dial }), isDenial("UPSTREAM_CERTIFICATE", detail));
    assert.equal(server.received, "");
  });
}

const PLACES:
  readonly (readonly [why: string, allowPrivate: boolean, connect: boolean, code: DenialCode | undefined])[] = [
    ["refuses a loopback address", false, false, "UPSTREAM_ADDRESS_DENIED"],
    ["speaks clear text to this machine where that is allowed", true, false, undefined],
    ["speaks no clear text to where a name is led", true, true, "UPSTREAM_ADDRESS_DENIED"],
  ];
for (const [why, allowPrivate, connect, code] of PLACES) {
  Deno.test(`TM-12 sendOnce() ${why}`, async () => {
    await using server = new RawUpstream(undefined, () => okay("x"));
    const host = parseHost(connect ? "api.test" : "127.0.0.1");
    const sending = sendOnce(
      { ...GET, origin: { host, port: server.port, secure: false } },
      settingsFor(server, { allowPrivate }),
    );
    if (code === undefined) assert.equal((await sending).status, 200);
    else {
      await assert.rejects(sending, isDenial(code));
      assert.equal(server.received, "");
    }
  });
}

const UNSENDABLE: readonly (readonly [why: string, request: Partial<ClientRequest>])[] = [
  ["a line break in a field", { fields: [{ name: "A", lower: "a", value: `${CANARY}\r\nX: y` }] }],
  ["a character beyond a byte", { fields: [{ name: "A", lower: "a", value: "\u0101" }] }],
  ["a name that is none", { fields: [{ name: "A:", lower: "a:", value: "" }] }],
  ["two spellings of a name", { fields: [{ name: "Host", lower: "x", value: "" }] }],
  ["a field of framing", { fields: [{ name: "Content-Length", lower: "content-length", value: "0" }] }],
  ["another host", { fields: [{ name: "Host", lower: "host", value: "evil.test" }] }],
  ["a space in the target", { pathAndQuery: "/ HTTP/1.1" }],
  ["a target that is not a path", { pathAndQuery: "*" }],
  ["a method that is none", { method: "GET /" }],
];
for (const [why, request] of UNSENDABLE) {
  Deno.test(`TM-18 sendOnce() sends no request with ${why}`, async () => {
    await using server = new RawUpstream(certificate, () => okay("x"));
    await assert.rejects(sendOnce({ ...GET, ...request }, settingsFor(server)), (error) => {
      assert.ok(error instanceof TypeError && !error.message.includes(CANARY));
      return true;
    });
    assert.equal(server.connections, 0);
  });
}

Deno.test("sendOnce() says that nothing listens", async () => {
  await assert.rejects(sendOnce(GET, settingsFor({ port: 1 })), isDenial("UPSTREAM_UNREACHABLE"));
});
