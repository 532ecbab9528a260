import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { closeQuietly } from "../close_quietly.ts";
import { writeAll } from "../write_all.ts";

const READ_BYTES = 16 * 1024;

/** A connection as Node's HTTP/2 takes it. It is closed with the stream. */
export function connectionDuplex(conn: Deno.Conn): Duplex {
  return new Duplex({
    read() {
      const bytes = new Uint8Array(READ_BYTES);
      conn.read(bytes).then(
        (count) => this.push(count === null ? null : Buffer.from(bytes.buffer, 0, count)),
        (error) => this.destroy(error),
      );
    },
    write(bytes: Uint8Array, _, done) {
      writeAll(conn, bytes).then(() => done(), done);
    },
    final(done) {
      conn.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      closeQuietly(conn);
      done(error);
    },
  });
}
