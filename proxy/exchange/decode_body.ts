import type { ByteLease } from "../byte_budget.ts";
import { concatAll } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { decodeSteps } from "./decode_steps.ts";

/** Content codings that the platform undoes (RFC 9110 §8.4.1). */
const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/**
 * Undoes a request body's content coding.
 *
 * @param codings As in `Content-Encoding`; more than one, or another than ours, is refused.
 * @param lease Grows by what is decoded.
 * @throws {Refusal} `PROXY_BODY_ENCODED`, also for a body that decodes to more than the cap; `PROXY_OVERLOADED`.
 */
export async function decodeBody(bytes: Uint8Array, codings: readonly string[], lease: ByteLease): Promise<Uint8Array> {
  const format = codings.length === 1 ? FORMATS.get(codings[0]!) : undefined;
  if (format === undefined) throw new Refusal("PROXY_BODY_ENCODED");
  const stream = ReadableStream.from(decodeSteps(bytes)).pipeThrough(new DecompressionStream(format));
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream) {
      size += part.length;
      if (size > LIMITS.decodedBodyBytes) throw new Refusal("PROXY_BODY_ENCODED");
      lease.grow(part.length);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("PROXY_BODY_ENCODED");
  }
  return concatAll(parts);
}
