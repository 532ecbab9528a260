/** A request as it came in on a connection of ours. */
export class ReceivedRequest extends Request {
  /**
   * Its body, where all of it was there together with its head, as is usual; `body` is then null. A stream would take
   * longer than the decision about what is in it.
   */
  readonly received: Uint8Array<ArrayBuffer> | undefined;
  readonly #signal: AbortSignal;

  constructor(
    url: string,
    { received, signal, ...init }: Omit<RequestInit, "signal"> & {
      received: Uint8Array<ArrayBuffer> | undefined;
      signal: AbortSignal;
    },
  ) {
    super(url, init);
    this.received = received;
    this.#signal = signal;
  }

  /** Tells that the client went away. Not one that follows it, as a request would make. */
  override get signal(): AbortSignal {
    return this.#signal;
  }
}
