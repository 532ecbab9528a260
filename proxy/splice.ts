import { closeQuietly } from "./close_quietly.ts";
import { FirstRecords } from "./tls/first_records.ts";
import { writeAll } from "./write_all.ts";

const SMALL = 4 * 1024;
const LARGE = 64 * 1024;
/** Session tickets follow the client's `Finished` within a fraction of a millisecond, or not at all. */
const TICKETS_MS = 5;

/** Two connections that are joined. Neither promise is rejected. */
export interface Splice {
  /** All that `server` sent was given to `client`, or one of them failed. */
  readonly delivered: Promise<void>;
  /** Both sides have ended and are closed. */
  readonly ended: Promise<void>;
}

/**
 * Copies the bytes of a TLS connection both ways until both sides have ended, then closes both.
 *
 * Our TLS listener has Nagle's algorithm on, and Deno cannot turn it off: what it writes while its session tickets are
 * unacknowledged waits for an acknowledgement that our end delays by 40 ms. So what follows the client's `Finished` is
 * held until the tickets have come; it then carries the acknowledgement with it.
 */
export function spliceTls(client: Deno.Conn, server: Deno.Conn): Splice {
  const heard = new Heard();
  const delivered = copy(server, client, () => heard.tell());
  const held = new HeldAfterFinished(server, heard);
  const ended = Promise.all([copy(client, held), delivered]).then(() => {
    closeQuietly(client);
    closeQuietly(server);
  });
  return { delivered, ended };
}

/** What a copy writes to. */
type Sink = Pick<Deno.Conn, "write" | "closeWrite" | "close">;

/** Copies one way. An end is passed on; a failure closes both, since half a tunnel is of no use. */
async function copy(from: Deno.Conn, to: Sink, onRead: () => void = () => {}): Promise<void> {
  // An idle tunnel keeps a small buffer; one that fills it gets a large one.
  let buffer = new Uint8Array(SMALL);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) break;
      onRead();
      await writeAll(to, buffer.subarray(0, count));
      if (count === buffer.length && count < LARGE) buffer = new Uint8Array(LARGE);
    }
    await to.closeWrite();
  } catch {
    closeQuietly(from);
    closeQuietly(to);
  }
}

/** Lets one wait for the server's next bytes. */
class Heard {
  #wake: (() => void) | undefined;

  tell(): void {
    this.#wake?.();
  }

  /** Waits for them, for a moment only. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      const wake = this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, TICKETS_MS);
    });
  }
}

/** Writes to the server, with one pause behind the client's `Finished`. */
class HeldAfterFinished implements Sink {
  readonly #server: Deno.Conn;
  readonly #heard: Heard;
  #records: FirstRecords | undefined = new FirstRecords();
  #tickets: Promise<void> | undefined;

  constructor(server: Deno.Conn, heard: Heard) {
    this.#server = server;
    this.#heard = heard;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#records === undefined) {
      if (this.#tickets !== undefined) await this.#tickets;
      this.#tickets = undefined;
      return await this.#server.write(bytes);
    }
    const end = this.#records.end(bytes);
    if (end === undefined) {
      await writeAll(this.#server, bytes);
      return bytes.length;
    }
    this.#records = undefined;
    this.#tickets = this.#heard.next();
    await writeAll(this.#server, bytes.subarray(0, end));
    return end;
  }

  closeWrite(): Promise<void> {
    return this.#server.closeWrite();
  }

  close(): void {
    this.#server.close();
  }
}
