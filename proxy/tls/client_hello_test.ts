import assert from "node:assert/strict";
import { parseClientHello } from "./client_hello.ts";

/** What Deno's own client says first. */
async function captured(hostname: string): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using accepted = await listener.accept();
  const tls = await Deno.startTls(conn, { hostname, alpnProtocols: ["h2", "http/1.1"] });
  const handshake = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(16 * 1024);
  const count = await accepted.read(buffer);
  accepted.close();
  await handshake;
  tls.close();
  return buffer.slice(0, count!);
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Uint8Array, size: number): Uint8Array {
  const message = hello.subarray(5);
  const out: number[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    out.push(22, 3, 1, part.length >> 8, part.length & 0xff, ...part);
  }
  return Uint8Array.from(out);
}

const HELLO = await captured("api.test");

Deno.test("parseClientHello() reads the server name of a real client", () => {
  assert.partialDeepStrictEqual(parseClientHello(HELLO), { serverName: "api.test" });
});

Deno.test("parseClientHello() reads a client that names no server, since it goes to an address", async () => {
  assert.partialDeepStrictEqual(parseClientHello(await captured("127.0.0.1")), { serverName: undefined });
});

Deno.test("parseClientHello() wants more wherever it is cut", () => {
  for (let cut = 0; cut < HELLO.length; cut++) assert.equal(parseClientHello(HELLO.subarray(0, cut)), "more", `${cut}`);
});

Deno.test("parseClientHello() reads a hello that is spread over records, and wants more of it where it is cut", () => {
  for (const size of [8, 16, 64, 100, HELLO.length]) {
    const spread = inRecords(HELLO, size);
    assert.partialDeepStrictEqual(parseClientHello(spread), { serverName: "api.test" }, `${size}`);
    for (let cut = 0; cut < spread.length; cut += 7) assert.equal(parseClientHello(spread.subarray(0, cut)), "more");
  }
});

Deno.test("TM-24 parseClientHello() refuses a hello in records of one byte", () => {
  assert.equal(parseClientHello(inRecords(HELLO, 1)), "invalid");
});

Deno.test("parseClientHello() leaves what follows a hello alone", () => {
  assert.deepEqual(parseClientHello(Uint8Array.from([...HELLO, 1, 2, 3])), parseClientHello(HELLO));
});

Deno.test("parseClientHello() never throws and never makes a name up, whichever byte is changed", () => {
  for (let at = 0; at < HELLO.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bytes = HELLO.slice();
      bytes[at]! ^= flip;
      const result = parseClientHello(bytes);
      assert.ok(result === "more" || result === "invalid" || typeof result === "object");
    }
  }
});

/** A hello with these extensions and nothing else, in one record. */
function helloWith(...extensions: number[][]): Uint8Array {
  const list = extensions.flat();
  const body = [3, 3, ...new Array<number>(32).fill(7), 0, 0, 2, 0x13, 1, 1, 0, list.length >> 8, list.length, ...list];
  const message = [1, 0, body.length >> 8, body.length & 0xff, ...body];
  return Uint8Array.from([22, 3, 1, message.length >> 8, message.length & 0xff, ...message]);
}

const bytes = (text: string) => Array.from(text, (char) => char.charCodeAt(0));
const name = (text: string, kind = 0) => [kind, 0, text.length, ...bytes(text)];
const sni = (...names: number[][]) => {
  const list = names.flat();
  return [0, 0, 0, list.length + 2, 0, list.length, ...list];
};

const TABLE: readonly (readonly [why: string, hello: Uint8Array, result: unknown])[] = [
  ["one name", helloWith(sni(name("a.test"))), { serverName: "a.test", protocols: undefined }],
  ["another extension before it", helloWith([0, 10, 0, 2, 0, 0], sni(name("a.test"))), {
    serverName: "a.test",
    protocols: undefined,
  }],
  ["a name of another kind", helloWith(sni(name("a.test", 1))), { serverName: undefined, protocols: undefined }],
  [
    "two protocols",
    helloWith([0, 16, 0, 14, 0, 12, 2, 0x68, 0x32, 8, ...new TextEncoder().encode("http/1.1")]),
    { serverName: undefined, protocols: ["h2", "http/1.1"] },
  ],
  ["no extension", helloWith(), { serverName: undefined, protocols: undefined }],
  ["two names", helloWith(sni(name("a.test"), name("b.test"))), "invalid"],
  ["two extensions for the name", helloWith(sni(name("a.test")), sni(name("b.test"))), "invalid"],
  ["a name that is longer than its list", helloWith([0, 0, 0, 5, 0, 3, 0, 0, 9]), "invalid"],
  ["an extension that is longer than the hello", helloWith([0, 0, 0, 99]), "invalid"],
  ["plain HTTP", Uint8Array.from(bytes("GET / HTTP/1.1\r\n")), "invalid"],
  ["an SSH banner", Uint8Array.from(bytes("SSH-2.0-x\r\n")), "invalid"],
  ["one byte that is no handshake", Uint8Array.from([21]), "invalid"],
  ["one byte that may be one", Uint8Array.from([22]), "more"],
  ["nothing", new Uint8Array(0), "more"],
  ["an empty record", Uint8Array.from([22, 3, 1, 0, 0]), "invalid"],
  ["a record of 16 KiB and one byte", Uint8Array.from([22, 3, 1, 0x40, 1]), "invalid"],
  ["a message of 64 KiB", Uint8Array.from([22, 3, 1, 0, 4, 1, 1, 0, 0]), "invalid"],
  ["a server's hello", Uint8Array.from([22, 3, 3, 0, 4, 2, 0, 0, 0]), "invalid"],
];

for (const [why, hello, result] of TABLE) {
  Deno.test(`parseClientHello() of ${why}`, () => assert.deepEqual(parseClientHello(hello), result));
}
