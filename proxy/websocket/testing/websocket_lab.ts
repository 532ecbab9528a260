import { decodeLatin1, encodeLatin1 } from "../../http/latin1.ts";
import { closeQuietly } from "../../close_quietly.ts";
import { type Lab, type LabOptions, openLab } from "../../testing/lab.ts";
import { writeAll } from "../../write_all.ts";
import { readFrames, type SeenFrame } from "./raw_frames.ts";

/** A key, and what RFC 6455 §1.3 says that a server makes of it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const KEY_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** How long a test waits for what must come. */
const WAIT_MS = 5_000;

export interface WebSocketLabOptions extends Omit<LabOptions, "respond"> {
  /** The host's answer to the handshake; `accept` is right. */
  readonly answer?: (accept: string, request: string) => string;
  /** Lines of the client's handshake, and its path. */
  readonly fields?: (lab: Lab) => string;
  readonly path?: string;
}

/** The usual 101. @param fields Further lines. */
export function switching(accept: string, fields = ""): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${fields}\r\n`;
}

/** The client's handshake. @param fields Further lines. */
export function handshake(fields = "", path = "/socket"): string {
  return `GET ${path} HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${fields}\r\n`;
}

/** One side of a WebSocket, as bytes. */
export class FrameEnd implements Disposable {
  readonly conn: Deno.Conn;
  #text = "";
  #ended = false;
  /** Frames that came, taken or not. */
  readonly frames: SeenFrame[] = [];
  #taken = 0;

  constructor(conn: Deno.Conn, read = true) {
    this.conn = conn;
    if (read) this.#readAll();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that are no whole frame yet. */
  get rest(): string {
    return this.#text;
  }

  async send(...frames: readonly string[]): Promise<void> {
    await writeAll(this.conn, encodeLatin1(frames.join("")));
  }

  add(text: string): void {
    const { frames, rest } = readFrames(this.#text + text);
    this.#text = rest;
    this.frames.push(...frames);
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let count = await this.conn.read(buffer); count !== null; count = await this.conn.read(buffer)) {
        this.add(decodeLatin1(buffer.subarray(0, count)));
      }
    } catch {
      // Cut is an end too.
    }
    this.#ended = true;
  }

  /** The next frame. */
  async next(): Promise<SeenFrame> {
    await until(() => this.frames.length > this.#taken || this.#ended);
    const frame = this.frames[this.#taken++];
    if (frame === undefined) throw new Error("Cannot read frame: the connection has ended");
    return frame;
  }

  /** The payload of the next message, of however many frames. */
  async message(): Promise<string> {
    let text = "";
    for (;;) {
      const { fin, payload } = await this.next();
      text += payload;
      if (fin) return text;
    }
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }
}

/** Waits for what must come true. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error("Cannot go on: what was waited for did not come");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A lab whose host accepts WebSockets, with one that is open. */
export interface WebSocketLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly client: FrameEnd;
  readonly host: FrameEnd;
  /** The host's answer as the client got it. */
  readonly head: string;
}

/** Makes the accept value without the code under test. */
export async function acceptFor(request: string): Promise<string> {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1] ?? "";
  const digest = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
  );
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Opens one. The host's side sees what came behind the handshake. */
export async function openWebSocketLab(options: WebSocketLabOptions = {}): Promise<WebSocketLab> {
  const { answer = (accept: string) => switching(accept), fields = () => "", path = "/socket", ...rest } = options;
  const hosts = Promise.withResolvers<Deno.Conn>();
  const lab = await openLab({
    ...rest,
    respond: async (request, conn) => {
      hosts.resolve(conn);
      return answer(await acceptFor(request), request);
    },
  });
  const conn = await lab.tunnel();
  await writeAll(conn, encodeLatin1(handshake(fields(lab), path)));
  const head = await readHead(conn);
  const client = new FrameEnd(conn);
  const host = new FrameEnd(await hosts.promise, false);
  let seen = lab.upstream.received.length;
  // The raw upstream reads for us.
  const timer = setInterval(() => {
    const { received } = lab.upstream;
    if (received.length > seen) host.add(received.slice(seen));
    seen = received.length;
  }, 2);
  return {
    lab,
    client,
    host,
    head,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      client[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

async function readHead(conn: Deno.Conn): Promise<string> {
  let text = "";
  const byte = new Uint8Array(1);
  while (!text.endsWith("\r\n\r\n") && await conn.read(byte) !== null) text += String.fromCharCode(byte[0]!);
  return text;
}
