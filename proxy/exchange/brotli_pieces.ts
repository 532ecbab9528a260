import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress } from "node:zlib";
import type { BodyPieces } from "./decoded_pieces.ts";

/** What the decoder makes before it waits until that was taken. */
const PIECE_BYTES = 64 * 1024;

/**
 * Undoes Brotli (RFC 7932) as it streams. A kilobyte of it may decode to a gigabyte, so that cutting the input small bounds
 * nothing, as it does with gzip: this decoder stops by itself until its output is taken (TM-24). Its window has at most 16
 * MiB.
 */
export function brotliPieces(encoded: AsyncIterable<Uint8Array>): BodyPieces {
  const decoder = createBrotliDecompress({ chunkSize: PIECE_BYTES });
  // Whatever goes wrong is told to who reads.
  pipeline(Readable.from(encoded), decoder, () => {});
  const pieces = decoder[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await pieces.next();
      return done === true ? undefined : new Uint8Array(value);
    },
  };
}
