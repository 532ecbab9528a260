/** Every numeric cap of the edge worker, with its reason (TM-24, TM-34, TM-38); connections have those of the proxy too. */
export const EDGE_LIMITS = {
  /** Values that are held, least recently used out first; each costs a few KiB of patterns to search for. */
  values: 1024,
  /** Their bytes, over all; a value is written in some ten forms to be searched for. */
  valuesBytes: 1024 * 1024,
  /** The longest value, as for providers. */
  valueBytes: 64 * 1024,
  /** Reading a value, the start of its worker included: half of what a fetch may take. */
  valueTimeoutMs: 15_000,
  /** Values of one backend that are read at one time: each has a worker of its own, of some 10 MiB. */
  readingValues: 16,
  /** Values of one backend that wait for that: as many as there are fetches. */
  waitingValues: 256,
  /** A value that could not be read is asked for again after this. */
  failureMs: 1_000,
  /** A host that goes on answering 401 does not make the backend answer as often. */
  unauthorizedPauseMs: 10_000,
  /** Earlier values that are still searched for: a host may go on accepting, and echoing, the last ones. */
  keptValues: 4,
  /** Fetches that run at one time, each on a connection of its own; more at once are no faster, and hold more memory. */
  runningFetches: 256,
  /** Fetches that wait for one of these to end. */
  waitingFetches: 1024,
  /** Bodies of requests and responses that are held at one time, over all fetches; more are refused. */
  heldBytes: 256 * 1024 * 1024,
  /** A fetch as a whole, its wait included. */
  fetchTimeoutMs: 30_000,
  /** A request's body; what an agent writes stays far below. */
  requestBodyBytes: 1024 * 1024,
  /** What is given of a response's body; the rest is cut off, and the caller told. */
  responseBodyBytes: 1024 * 1024,
  /** Headers of a request. */
  requestHeaders: 64,
  /** Their names and values, over all. */
  requestHeaderBytes: 16 * 1024,
  /** A line that is not on disk by then counts as not written. */
  auditTimeoutMs: 5_000,
} as const;
