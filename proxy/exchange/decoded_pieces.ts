import type { BodyReader } from "../http/body_reader.ts";
import { Refusal } from "../refusal.ts";
import { decodeSteps } from "./decode_steps.ts";

/** A body that comes in pieces. */
export interface BodyPieces {
  /** The next piece, valid until the one after it is asked for; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
}

/** Names of content codings that we undo (RFC 9110 §8.4.1), and the platform's. Brotli is not in every runtime. */
const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/**
 * Undoes a response body's content coding as it streams, in bounded memory, however much it decodes to.
 *
 * @throws {Refusal} `PROXY_RESPONSE_ENCODED` at once for a coding that is not undone, or for several.
 */
export function decodedPieces(body: BodyReader, codings: readonly string[]): BodyPieces {
  const format = codings.length === 1 ? FORMATS.get(codings[0]!) : undefined;
  if (format === undefined) throw new Refusal("PROXY_RESPONSE_ENCODED");
  const source = ReadableStream.from(encodedSteps(body));
  const reader = source.pipeThrough(new DecompressionStream(format)).getReader();
  return { next: async () => (await reader.read()).value };
}

async function* encodedSteps(body: BodyReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) yield* decodeSteps(piece);
}
