import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Exchange } from "../exchange/exchange.ts";
import { HttpError } from "../http/http_error.ts";
import { LIMITS } from "../limits.ts";
import { ClientStream, rawSection } from "./client_stream.ts";
import { connectionDuplex } from "./connection_duplex.ts";
import { HostConnector } from "./host_connector.ts";
import { http1Head } from "./request_bytes.ts";
import { resetStream } from "./reset_stream.ts";

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
  const session = performServerHandshake(connectionDuplex(conn), {
    settings: {
      enablePush: false,
      maxConcurrentStreams: LIMITS.http2Streams,
      maxHeaderListSize: LIMITS.headBytes,
    },
    maxHeaderListPairs: LIMITS.headFields,
  });
  using connector = new HostConnector();
  const way = { connect: connector.connect, takesTrailers: true };
  let live = 0;
  session.on("stream", (...[stream, , flags, raw]: [ServerHttp2Stream, unknown, number, unknown?]) => {
    // The close that follows says enough.
    stream.on("error", () => {});
    // A stream that was reset is at work for a moment longer: who resets without end is cut off (CVE-2023-44487).
    if (++live > 2 * LIMITS.http2Streams) return void session.destroy();
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    serveStream(stream, { raw: rawSection(raw), ended }, { service, way })
      .catch(() => resetStream(stream))
      .finally(() => live--);
  });
  await ended(session);
}

async function serveStream(
  stream: ServerHttp2Stream,
  { raw, ended }: { readonly raw: readonly string[]; readonly ended: boolean },
  { service, way }: { readonly service: StreamService; readonly way: Pick<Exchange, "connect" | "takesTrailers"> },
): Promise<void> {
  let client: ClientStream;
  try {
    client = new ClientStream(stream, http1Head(raw, { ended }));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    service.onInvalid(error);
    stream.respond({ ":status": error.status, "x-keyzero-error": error.code }, { endStream: true });
    return stream.close(constants.NGHTTP2_NO_ERROR);
  }
  try {
    await service.serve(client, way);
    await client.closeWrite();
    await closedWithin(stream, LIMITS.drainMs);
    // What the client still sends is of no use (RFC 9113 §8.1).
    if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
  } finally {
    client.close();
  }
}

/** A client that has its answer ends its request; a close before it has read that could take the trailers away. */
function closedWithin(stream: ServerHttp2Stream, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    if (stream.closed) done();
    else stream.once("close", done);
  });
}

function ended(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    // The close that follows says enough.
    session.on("error", () => {});
    session.on("close", resolve);
  });
}
