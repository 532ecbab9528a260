import type { BodyReader } from "../http/body_reader.ts";
import { Refusal } from "../refusal.ts";
import { decodeSteps } from "./decode_steps.ts";

/** A body that comes in pieces. */
export interface BodyPieces {
  /** The next piece, valid until the one after it is asked for; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
}

/** Names of content codings that we undo (RFC 9110 §8.4.1), and the platform's; and Brotli, as `br`. */
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
  const coding = codings.length === 1 ? codings[0]! : "";
  if (coding === "br") {
    return lazily(() => import("./brotli_pieces.ts"), (module) => module.brotliPieces(encodedSteps(body)));
  }
  const format = FORMATS.get(coding);
  if (format === undefined) throw new Refusal("PROXY_RESPONSE_ENCODED");
  const source = ReadableStream.from(encodedSteps(body));
  const reader = source.pipeThrough(new DecompressionStream(format)).getReader();
  return { next: async () => (await reader.read()).value };
}

/** Loads what few responses need. */
function lazily<M>(load: () => Promise<M>, open: (module: M) => BodyPieces): BodyPieces {
  let pieces: Promise<BodyPieces> | undefined;
  return { next: async () => await (await (pieces ??= load().then(open))).next() };
}

async function* encodedSteps(body: BodyReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) yield* decodeSteps(piece);
}
