import { closeQuietly } from "../close_quietly.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { writeAll } from "../write_all.ts";

/** A response as it came: one character for each byte. */
export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Whether the body came whole by its own framing. */
  readonly whole: boolean;
}

/** How long a test waits for bytes that must come. */
const WAIT_MS = 5_000;

/** A client that sends bytes as they are given and takes responses apart one by one. */
export class RawClient implements Disposable {
  readonly conn: Deno.Conn;
  #text = "";
  #ended = false;
  #pending: Promise<void> | undefined;

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  /** Whether the other side has ended the connection, as far as was read. */
  get ended(): boolean {
    return this.#ended;
  }

  async send(text: string): Promise<void> {
    await writeAll(this.conn, encodeLatin1(text));
  }

  /** The next response, informational ones included. */
  async response(method = "GET"): Promise<RawResponse> {
    const end = await this.#until(() => this.#indexAfter("\r\n\r\n"));
    if (end === undefined) return { status: 0, head: this.#take(this.#text.length), body: "", whole: false };
    const head = this.#take(end);
    const status = Number(head.slice(9, 12));
    if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
      return { status, head, body: "", whole: true };
    }
    if (/^transfer-encoding: chunked\r$/im.test(head)) return { status, head, ...await this.#chunked() };
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    const size = length === undefined ? Infinity : Number(length);
    await this.#until(() => this.#text.length >= size ? size : undefined);
    const body = this.#take(Math.min(size, this.#text.length));
    return { status, head, body, whole: length === undefined || body.length === size };
  }

  /** Waits until `part` has come, and returns all that came and was not taken. */
  async waitFor(part: string): Promise<string> {
    await this.#until(() => this.#indexAfter(part));
    return this.#text;
  }

  /** Reads up to the end of the connection. */
  async rest(): Promise<string> {
    await this.#until(() => undefined);
    return this.#take(this.#text.length);
  }

  async #chunked(): Promise<{ body: string; whole: boolean }> {
    let body = "";
    for (;;) {
      const line = await this.#until(() => this.#indexAfter("\r\n"));
      if (line === undefined) return { body, whole: false };
      const size = parseInt(this.#take(line), 16);
      if (await this.#until(() => this.#text.length >= size + 2 ? size : undefined) === undefined) {
        return { body: body + this.#take(this.#text.length), whole: false };
      }
      body += this.#take(size);
      this.#take(2);
      if (size === 0) return { body, whole: true };
    }
  }

  #indexAfter(part: string): number | undefined {
    const at = this.#text.indexOf(part);
    return at < 0 ? undefined : at + part.length;
  }

  #take(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  /** Reads until `found` gives a number; undefined at the end of the connection. */
  async #until(found: () => number | undefined): Promise<number | undefined> {
    for (;;) {
      const result = found();
      if (result !== undefined || this.#ended) return result;
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    this.#pending ??= this.#readOnce().finally(() => this.#pending = undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("Cannot read: nothing came in time")), WAIT_MS);
    });
    await Promise.race([this.#pending, late]).finally(() => clearTimeout(timer));
  }

  async #readOnce(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.conn.read(buffer).catch(() => null);
    if (count === null) this.#ended = true;
    else this.#text += decodeLatin1(buffer.subarray(0, count));
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }
}
