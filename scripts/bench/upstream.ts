/**
 * The upstream of every measurement, in a process of its own: a TLS server on loopback that answers 401 to all that does
 * not carry the real value, so that a proxy which does not swap cannot look fast.
 *
 * Reads one JSON line {@linkcode UpstreamSetup} from standard input and prints its port.
 */
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
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: setup.certPem,
    key: setup.keyPem,
    onListen: ({ port }) => console.log(port),
  }, (request) => {
    if (request.headers.get("authorization") !== setup.authorization) return new Response(null, { status: 401 });
    const at = request.url.indexOf("/", "https://".length);
    const [path, query] = request.url.slice(at).split("?", 2);
    if (path === "/reply") return new Response(REPLY);
    if (path === "/down") return down(Number(query));
    if (path === "/up") return up(request);
    if (path === "/events") return events(Number(query));
    return new Response(null, { status: 404 });
  });
}

async function firstLine(): Promise<string> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  return (await lines.read()).value ?? "";
}

function down(bytes: number): Response {
  let left = bytes;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      controller.enqueue(block);
      if (left === 0) controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes) } });
}

async function up(request: Request): Promise<Response> {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.length;
  return Response.json({ bytes });
}

/** Each event holds the time at which it was sent, in milliseconds since the epoch with fractions. */
function events(count: number): Response {
  const encoder = new TextEncoder();
  let sent = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        for (let index = 0; index < EVENTS_PER_TICK && sent < count; index++, sent++) {
          controller.enqueue(encoder.encode(`data: ${performance.timeOrigin + performance.now()}\n\n`));
        }
        if (sent < count) return;
        clearInterval(timer);
        controller.close();
      }, 1);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
