/**
 * Replaces secret values in a stream of bytes, one instance a stream.
 *
 * Bytes that may be the beginning of a value are held back until what follows decides. They are never given out because
 * time passes: a value written in two halves with a pause between would leak. What is held back is always a true prefix
 * of a value, so text that does not begin one is never delayed.
 */
export interface StreamScrubber {
  /**
   * Takes the next bytes of the stream.
   *
   * @param chunk Not kept and not modified; any length.
   * @returns All bytes that are safe to give out now, in order; may be empty.
   */
  push(chunk: Uint8Array): Uint8Array;
  /** Ends the stream. Returns what was held back, which no longer can become a value. */
  flush(): Uint8Array;
  /** How many bytes are held back. */
  readonly pending: number;
}

/** Makes the scrubber of one stream. */
export type RedactorFactory = () => StreamScrubber;
