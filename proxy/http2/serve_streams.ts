import type { Exchange } from "../exchange/exchange.ts";
import { HttpError } from "../http/http_error.ts";
import { LIMITS } from "../limits.ts";
import { ClientStream } from "./client_stream.ts";
import { HostConnector } from "./host_connector.ts";
import { Http2Connection, type StreamHead } from "./http2_connection.ts";
import type { Http2Stream } from "./http2_stream.ts";
import { http1Head } from "./request_bytes.ts";

export interface StreamService {
  /** Serves the one request of a stream as it would on a connection of HTTP/1.1. */
  serve(stream: ClientStream, way: Pick<Exchange, "connect" | "takesTrailers">): Promise<void>;
  /** Told of a request that was refused before it could be served. */
  onInvalid(error: HttpError): void;
}

/**
 * Serves HTTP/2 to a client until its connection ends.
 *
 * Each stream becomes an exchange of HTTP/1.1 and is parsed, decided, swapped and searched as one, so that there is one
 * place for all of that; where the host speaks HTTP/2 too, it goes out as a stream again, with its trailers.
 *
 * @param conn After its handshake. It is closed at the end.
 * @see RFC 9113
 */
export async function serveStreams(conn: Deno.Conn, service: StreamService): Promise<void> {
  using connector = new HostConnector();
  const way = { connect: connector.connect, takesTrailers: true };
  let live = 0;
  const connection = new Http2Connection(conn, {
    onStream: (stream, head) => {
      // One that was reset is at work for a moment longer: who resets without end is cut off (CVE-2023-44487).
      if (++live > 2 * LIMITS.http2Streams) return connection.close();
      serveStream(stream, head, { service, way })
        .catch(() => stream.reset("INTERNAL_ERROR"))
        .finally(() => live--);
    },
  });
  await connection.ended;
}

async function serveStream(
  stream: Http2Stream,
  { raw, ended }: StreamHead,
  { service, way }: { readonly service: StreamService; readonly way: Pick<Exchange, "connect" | "takesTrailers"> },
): Promise<void> {
  let client: ClientStream;
  try {
    if (raw === undefined) throw new HttpError("HTTP_HEAD_TOO_LARGE", 431);
    client = new ClientStream(stream, http1Head(raw, { ended }));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    service.onInvalid(error);
    await stream.sendHeaders([":status", String(error.status), "x-keyzero-error", error.code], { end: true });
    return stream.reset("NO_ERROR");
  }
  try {
    await service.serve(client, way);
    await client.closeWrite();
    // What the client still sends is of no use (RFC 9113 §8.1).
    stream.reset("NO_ERROR");
  } finally {
    client.close();
  }
}
