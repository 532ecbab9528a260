import { Buffer } from "node:buffer";
import type { FetchedBody } from "../broker.ts";

/** Media types that are text besides `text/…` (RFC 6839 suffixes included). */
const TEXT_REGEXP =
  /^(?:text\/|application\/(?:json|javascript|ecmascript|xml|yaml|x-yaml|toml|graphql|sql|x-www-form-urlencoded|x-ndjson|jsonl)$|[^;]+\+(?:json|xml|yaml)$)/;

const MEDIA_TYPE_REGEXP = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

/**
 * A body as callers get it: text where it is UTF-8 and its type says text or nothing, else base64 with its media type.
 *
 * @param contentType The header as it came.
 * @param isCut The body was cut, perhaps inside a character.
 */
export function fetchedBody(bytes: Uint8Array, contentType: string | undefined, isCut: boolean): FetchedBody {
  const [named = ""] = (contentType ?? "").toLowerCase().split(";", 1).map((text) => text.trim());
  const mediaType = MEDIA_TYPE_REGEXP.test(named) ? named : undefined;
  if (mediaType === undefined || TEXT_REGEXP.test(mediaType)) {
    const text = decoded(bytes, isCut);
    if (text !== undefined) return { kind: "text", text };
  }
  return {
    kind: "base64",
    base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
    mediaType: mediaType ?? "application/octet-stream",
  };
}

function decoded(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    // What is left of a character at the cut is dropped.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut });
  } catch {
    return undefined;
  }
}
