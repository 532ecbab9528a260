/**
 * Opens tunnels with TLS inside and leaves them idle, in a process of its own, since descriptors are counted by process.
 *
 * Takes `port`, `login` (base64), `caPem` and `count` as JSON in its first argument. Prints "open" when all are; then, for
 * a line on standard input, sends a request in every hundredth and prints how many of these were answered 200.
 */
interface Orders {
  readonly port: number;
  readonly login: string;
  readonly caPem: string;
  readonly count: number;
}

const AT_ONCE = 32;
const EVERY = 100;

const { port, login, caPem, count }: Orders = JSON.parse(Deno.args[0] ?? "");
const bytes = (text: string) => new TextEncoder().encode(text);
const tunnels: Deno.TlsConn[] = [];
let started = 0;

async function say(text: string): Promise<void> {
  await Deno.stdout.write(bytes(`${text}\n`));
}

async function read(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const size = await conn.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, size ?? 0));
}

async function open(): Promise<void> {
  while (started++ < count) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(
      bytes(`CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic ${login}\r\n\r\n`),
    );
    const answer = await read(conn);
    if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
    const tls = await Deno.startTls(conn, { hostname: "api.test", caCerts: [caPem] });
    await tls.handshake();
    tunnels.push(tls);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, open));
await say("open");
await Deno.stdin.read(new Uint8Array(1));
let served = 0;
for (const [at, tunnel] of tunnels.entries()) {
  if (at % EVERY !== 0) continue;
  await tunnel.write(bytes("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"));
  if ((await read(tunnel)).startsWith("HTTP/1.1 200 ")) served++;
}
await say(String(served));
for (const tunnel of tunnels) tunnel.close();
