import { concatAll } from "../concat.ts";
import { type Field, listed } from "../http/fields.ts";

/** A body of messages, each behind its length: gRPC over HTTP/2, or in the binary form that browsers speak. */
export function isGrpc(fields: readonly Field[]): boolean {
  return fields.some(({ lower, value }) =>
    lower === "content-type" && /^application\/grpc(?:-web)?(?:[+;\s]|$)/i.test(value)
  );
}

/** Whether messages are compressed one by one, which no content coding tells (gRPC over HTTP/2, "Message-Encoding"). */
export function messagesAreEncoded(fields: readonly Field[]): boolean {
  return listed(fields, "grpc-encoding").some((coding) => coding !== "identity");
}

/** What is given bytes, and holds some of them back until it has seen more. */
export interface Searcher {
  push(bytes: Uint8Array): Uint8Array;
  flush(): Uint8Array;
}

/** A flag, and four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;

/**
 * Lets a searcher hold nothing back beyond the end of a message: who waits for its last byte would answer nothing, and
 * nothing more would come. What is split over two messages is not found, as with a WebSocket (TM-03).
 */
export class MessageWise implements Searcher {
  readonly #searcher: Searcher;
  /** What has come of the prefix of the next message. */
  readonly #prefix: number[] = [];
  /** Bytes of the message that are still to come. */
  #left = 0;

  constructor(searcher: Searcher) {
    this.#searcher = searcher;
  }

  push(bytes: Uint8Array): Uint8Array {
    const out: Uint8Array[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        this.#prefix.push(bytes[at++]!);
        if (this.#prefix.length < PREFIX_BYTES) continue;
        const [, a = 0, b = 0, c = 0, d = 0] = this.#prefix.splice(0);
        this.#left = a * 2 ** 24 + (b << 16) + (c << 8) + d;
      } else {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
      }
      if (this.#left > 0) continue;
      out.push(this.#searcher.push(bytes.subarray(from, at)), this.#searcher.flush());
      from = at;
    }
    if (from < bytes.length) out.push(this.#searcher.push(bytes.subarray(from)));
    return concatAll(out);
  }

  flush(): Uint8Array {
    return this.#searcher.flush();
  }
}
