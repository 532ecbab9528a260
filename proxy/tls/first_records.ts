const HEADER_BYTES = 5;
/** `application_data`, which TLS 1.3 wraps the client's `Finished` in (RFC 8446 §5.1, §4.4.4). */
const APPLICATION_DATA = 23;

/** Finds where the first record of type `application_data` ends in a stream of TLS records. */
export class FirstRecords {
  /** Bytes of the current record's header that have come. */
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerLength = 0;
  /** Bytes left of the current record's content. */
  #left = 0;
  #isLast = false;

  /**
   * Takes the next bytes.
   *
   * @returns The position in `bytes` behind the record; undefined while it has not ended.
   */
  end(bytes: Uint8Array): number | undefined {
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        this.#header[this.#headerLength++] = bytes[at++]!;
        if (this.#headerLength < HEADER_BYTES) continue;
        this.#headerLength = 0;
        this.#left = this.#header[3]! << 8 | this.#header[4]!;
        this.#isLast = this.#header[0] === APPLICATION_DATA;
      } else {
        const step = Math.min(this.#left, bytes.length - at);
        at += step;
        this.#left -= step;
      }
      if (this.#left === 0 && this.#headerLength === 0 && this.#isLast) return at;
    }
    return undefined;
  }
}
