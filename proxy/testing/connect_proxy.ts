import { acceptEach } from "../accept_each.ts";
import { closeQuietly } from "../close_quietly.ts";
import { ByteReader } from "../http/byte_reader.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { writeAll } from "../write_all.ts";

/** Leads every tunnel that it opens to one port of this machine, whatever host was asked for, and remembers the heads. */
export class ConnectProxy implements Disposable {
  readonly heads: string[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();

  /** @param answer What is said to a head; a tunnel opens for a 200. */
  constructor(port: number, answer: (head: string) => string = () => "HTTP/1.1 200 OK\r\n\r\n") {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    acceptEach(this.#listener, async (conn) => {
      this.#open.add(conn);
      try {
        const reader = new ByteReader(conn);
        const head = await reader.readHead(64 * 1024);
        if (head === undefined) return;
        const text = decodeLatin1(head);
        this.heads.push(text);
        const said = answer(text);
        await writeAll(conn, encodeLatin1(said));
        if (!said.startsWith("HTTP/1.1 200 ")) return;
        using inner = await Deno.connect({ hostname: "127.0.0.1", port });
        this.#open.add(inner);
        await writeAll(inner, reader.available);
        await Promise.race([copy(conn, inner), copy(inner, conn)]);
        this.#open.delete(inner);
      } catch {
        // Either side is gone.
      } finally {
        this.#open.delete(conn);
        closeQuietly(conn);
      }
    });
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    closeQuietly(this.#listener);
    for (const conn of this.#open) closeQuietly(conn);
  }
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await writeAll(to, buffer.subarray(0, count));
  }
}
