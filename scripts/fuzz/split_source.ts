import type { ByteSource } from "../../proxy/http/byte_reader.ts";
import { Random } from "./random.ts";

/** Bytes cut at places that depend on them alone. */
export function splits(bytes: Uint8Array): Uint8Array[] {
  const random = Random.of(bytes);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(random.below(4) === 0 ? 3 : 80);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** A connection that brings `bytes`, cut at places that depend on them alone, and ends. */
export function splitSource(bytes: Uint8Array): ByteSource {
  const parts = splits(bytes);
  return {
    read: (into) => {
      const part = parts.shift();
      if (part === undefined) return Promise.resolve(null);
      const taken = part.subarray(0, into.length);
      if (taken.length < part.length) parts.unshift(part.subarray(taken.length));
      into.set(taken);
      return Promise.resolve(taken.length);
    },
  };
}
