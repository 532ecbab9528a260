import type { Http2Stream } from "node:http2";

/**
 * Ends a stream so that the other side cannot take what was sent for all: RST_STREAM with `INTERNAL_ERROR`.
 *
 * `close()` with a code is not enough. Where nothing else is to be written, the runtime ends the body first, and the
 * message looks whole.
 */
export function resetStream(stream: Http2Stream): void {
  if (!stream.destroyed) stream.destroy(new Error("Cannot go on: the stream was reset"));
}
