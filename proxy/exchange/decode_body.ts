import { concat } from "../concat.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";

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
 * @throws {Refusal} `PROXY_BODY_ENCODED`, also for a body that decodes to more than the cap.
 */
export async function decodeBody(bytes: Uint8Array, codings: readonly string[]): Promise<Uint8Array> {
  const format = codings.length === 1 ? FORMATS.get(codings[0]!) : undefined;
  if (format === undefined) throw new Refusal("PROXY_BODY_ENCODED");
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream(format));
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream) {
      size += part.length;
      if (size > LIMITS.decodedBodyBytes) throw new Refusal("PROXY_BODY_ENCODED");
      parts.push(part);
    }
  } catch {
    throw new Refusal("PROXY_BODY_ENCODED");
  }
  return concat(...parts);
}
