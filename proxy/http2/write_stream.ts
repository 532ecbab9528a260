import type { Http2Stream } from "node:http2";

/** Writes to a stream; ends when its window let the bytes go, or with the stream. */
export function writeStream(stream: Http2Stream, bytes: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // What was reset may never call back.
  const gone = () => reject(new Deno.errors.ConnectionReset("Cannot write: the stream was reset"));
  if (stream.destroyed || stream.closed) gone();
  stream.once("close", gone);
  stream.write(bytes, (error) => {
    stream.off("close", gone);
    if (error) reject(error);
    else resolve();
  });
  return promise;
}
