import { acceptEach } from "../../../proxy/accept_each.ts";
import { closeQuietly } from "../../../proxy/close_quietly.ts";
import type { ByteSource } from "../../../proxy/http/byte_reader.ts";
import type { ByteSink } from "../../../proxy/write_all.ts";

/** What HTTP is spoken over. */
export interface ClientConn extends ByteSource, ByteSink {
  close(): void;
  closeWrite(): Promise<void>;
}

/** A client that has connected. */
export interface Accepted {
  /** Its IP address. */
  readonly address: string;
  /** Waits for the TLS handshake, if there is one. */
  ready(): Promise<ClientConn>;
  /** Closes it, whatever it is doing. */
  cut(): void;
}

export interface HttpListener {
  readonly port: number;
  /** Calls `use` for each client, until the listener is closed. */
  accept(use: (client: Accepted) => void): Promise<void>;
  close(): void;
}

/** Listens in clear text. @throws what `Deno.listen` throws. */
export function listenTcp(address: { hostname: string; port: number }): HttpListener {
  const listener = Deno.listen(address);
  return {
    port: listener.addr.port,
    accept: (use) =>
      acceptEach(listener, (conn) =>
        use({
          address: conn.remoteAddr.hostname,
          ready() {
            conn.setNoDelay(true);
            return Promise.resolve(conn);
          },
          cut: () => closeQuietly(conn),
        })),
    close: () => closeQuietly(listener),
  };
}
