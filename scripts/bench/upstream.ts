/**
 * The upstream of every measurement, in a process of its own: a TLS server on loopback that answers 401 to all that does
 * not carry the real value, so that a proxy which does not swap cannot look fast.
 *
 * Reads one JSON line {@linkcode UpstreamSetup} from standard input and prints its port.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { TextLineStream } from "./text_line_stream.ts";

export interface UpstreamSetup {
  readonly certPem: string;
  readonly keyPem: string;
  /** The one `Authorization` that is accepted. */
  readonly authorization: string;
}

const REPLY = new Uint8Array(1024).fill(0x61);
const BLOCK = new Uint8Array(64 * 1024).fill(0x62);
/** Events that are sent each millisecond. */
const EVENTS_PER_TICK = 2;

if (import.meta.main) await serve();

async function serve(): Promise<void> {
  const setup: UpstreamSetup = JSON.parse(await firstLine());
  // Node's server, since Deno's own leaves Nagle's algorithm on, which delays a body behind its head by 40 ms.
  const server = createServer(
    { cert: setup.certPem, key: setup.keyPem, keepAliveTimeout: 60_000 },
    (request, reply) => {
      if (request.headers.authorization !== setup.authorization) return void reply.writeHead(401).end();
      const [path, query] = (request.url ?? "").split("?", 2);
      const answer = () => reply.writeHead(200, { "content-length": REPLY.length }).end(REPLY);
      if (path === "/reply") query === undefined ? answer() : setTimeout(answer, Number(query));
      else if (path === "/down") down(reply, Number(query));
      else if (path === "/up") up(request, reply);
      else if (path === "/events") events(reply, Number(query));
      else reply.writeHead(404).end();
    },
  );
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    console.log(typeof address === "object" ? address?.port : "");
  });
}

async function firstLine(): Promise<string> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  return (await lines.read()).value ?? "";
}

function down(reply: ServerResponse, bytes: number): void {
  let left = bytes;
  reply.writeHead(200, { "content-length": bytes });
  const send = () => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      if (!reply.write(block)) return void reply.once("drain", send);
    }
    reply.end();
  };
  send();
}

function up(request: IncomingMessage, reply: ServerResponse): void {
  let bytes = 0;
  request.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  request.on("end", () => reply.writeHead(200, { "content-length": String(bytes).length }).end(String(bytes)));
}

/** Each event holds the time at which it was sent, in milliseconds since the epoch with fractions. */
function events(reply: ServerResponse, count: number): void {
  let sent = 0;
  reply.writeHead(200, { "content-type": "text/event-stream" });
  const timer = setInterval(() => {
    for (let index = 0; index < EVENTS_PER_TICK && sent < count; index++, sent++) {
      reply.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
    }
    if (sent < count) return;
    clearInterval(timer);
    reply.end();
  }, 1);
  reply.on("close", () => clearInterval(timer));
}
