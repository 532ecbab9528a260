/** Every numeric cap of the server's two doors, with its reason (TM-38). Any of them may be overridden. */
export const SERVER_LIMITS = {
  // Connections
  /** Each costs some 10 KiB and a descriptor; beyond, the one that idles longest makes room. */
  connections: 4096,
  /** Of one address (an IPv6 client: of one /64). A load balancer pools its connections and needs fewer. */
  connectionsOfAddress: 1536,
  /** TLS with the client; two round trips on the slowest network. */
  handshakeMs: 10_000,
  /** A new connection must have sent a whole head by then. */
  headMs: 10_000,
  /** A kept connection may idle this long; common load balancers give up after 60 s, and must be the first. */
  idleMs: 75_000,
  /** A head with a JWT of 8 KiB, and as much again. */
  headBytes: 32 * 1024,
  /** A client that does not read its answer of at most some 3 MiB. */
  writeMs: 30_000,

  // Bodies
  /** Refs and context. */
  resolveBytes: 64 * 1024,
  /** 1 MiB for the host, in base64, with URL and headers. */
  fetchBytes: 1536 * 1024,
  /** An id, or an issuer and a subject. */
  revokeBytes: 16 * 1024,
  /** A body must be whole by then. */
  bodyMs: 15_000,
  /** Bodies that are held at one time, over all requests. */
  heldBytes: 64 * 1024 * 1024,
  /** Of one address, in the proportion of its requests. */
  heldBytesOfAddress: 24 * 1024 * 1024,
  /** Nesting of JSON; nothing that is asked for here comes near it. */
  jsonDepth: 32,

  // Requests
  /** Being read, waiting or worked on. */
  openRequests: 4096,
  /** Of one address, for the same reason as its connections. */
  openRequestsOfAddress: 1536,
  /** Worked on at one time. Each may hold some copies of a body of 1 MiB. */
  active: 256,
  /** Waiting for their turn, which goes round by address. */
  waiting: 2048,
  /** Of one address. */
  waitingOfAddress: 1024,
  /** Waiting longer than a client would is work for nobody. */
  waitMs: 10_000,
  /** From its turn to its answer: longer than a host is given at the edge. */
  workMs: 60_000,

  // Callers
  /** Requests a second of one verified caller: about a tenth of what two cores decide. */
  callerPerSecond: 500,
  /** What it may send at once after a pause. */
  callerBurst: 1000,
  /** Worked on at one time for one verified caller: three quarters, so that it never has all. */
  callerActive: 192,
  /** Requests a second of one address that were not a verified caller's: each costs a signature check of some 0.1 ms. */
  failuresPerSecond: 200,
  /** What it may send at once after a pause. */
  failuresBurst: 1000,
  /** Callers and addresses that are remembered, some 200 bytes each, least recently seen out first. */
  callersRemembered: 16_384,

  // MCP
  /** One line of stdio: a body of 1 MiB with its escapes. */
  lineBytes: 2 * 1024 * 1024,
  /** Requests of the stdio client that are worked on at one time. */
  stdioActive: 32,
  /** Lines that were read ahead. */
  stdioAhead: 64,
} as const;

export type ServerLimits = { readonly [name in keyof typeof SERVER_LIMITS]: number };
