/** Every numeric cap of the proxy, with its reason (TM-24). `docs/limits.md` is made from this file's values. */
export const LIMITS = {
  /** A head with large cookies or tokens stays below this; nginx takes 32 KiB, Node 16 KiB. */
  headBytes: 64 * 1024,
  /** A client that began a head must end it; well above any slow machine, well below a patient attacker. */
  headTimeoutMs: 30_000,
  /**
   * Before its first request is whole, which shows the credentials, a connection may idle this long; later for ever. Else
   * any local program could take all connections.
   */
  firstRequestMs: 45_000,
  /** Lines of a head or trailer section; browsers send some thirty. */
  headFields: 256,
  /** A trailer section is a small head. */
  trailerBytes: 8 * 1024,
  /** Clients open some hundred at most; each costs about 20 KiB and four descriptors. */
  connections: 8192,
  /** Listeners for intercepted hosts, least recently used out first. */
  interceptedHosts: 256,
  /** Reaching a host, over all its addresses. */
  connectTimeoutMs: 10_000,
  /** TLS with the client and with the host. */
  handshakeTimeoutMs: 10_000,
  /** Connections to interception listeners that nobody has claimed yet: ours are for a moment, strangers' for a second. */
  unclaimedConnections: 4096,
  /** A ClientHello with post-quantum keys is under 2 KiB; one record holds at most 16 KiB. */
  clientHelloBytes: 16 * 1024,
  /** Records that a ClientHello is spread over; clients use one, and up to some ten to confuse filters. */
  clientHelloRecords: 32,
  /** Bodies up to this are sent in one piece with their head, after all of them was searched. */
  wholeBodyBytes: 64 * 1024,
  /** Bodies that may hold a token in a field are read whole up to this; APIs take credentials in small bodies. */
  swappedBodyBytes: 1024 * 1024,
  /** An encoded request body is decoded to be searched; git sends such up to 1 MiB. */
  encodedBodyBytes: 1024 * 1024,
  /** What an encoded request body may decode to; more is a bomb. */
  decodedBodyBytes: 16 * 1024 * 1024,
  /** Credentials that hosts gave out in a run and that have a token: of the longest unused one the token is refused then. */
  mintedTokens: 256,
  /** Those that are still searched for; each makes some twenty patterns. */
  mintedValues: 512,
  /** All of them, since patterns are some thirty times as long as the value; JWTs have one or two KiB. */
  mintedBytes: 256 * 1024,
  /** A field with a credential is held until it is whole; nothing longer fits into a request's head. */
  mintedFieldBytes: 64 * 1024,
  /** How long an answer of JSON without a length is waited for, to be searched as a whole; then it streams. */
  mintedWholeMs: 100,
  /** Encoded bytes that are decoded in one step: at deflate's best ratio, 1,032 to 1, that makes 4 MiB. */
  decodeStepBytes: 4 * 1024,
  /** A body that an AWS signature covers by its own hash is read whole; DynamoDB's largest requests have 16 MiB. */
  signedBodyBytes: 16 * 1024 * 1024,
  /** A signed chunk of `aws-chunked` is read whole; SDKs make them of 64 or 128 KiB. */
  signedChunkBytes: 1024 * 1024,
  /** All bodies over `wholeBodyBytes` that are held whole at one time, over all connections; more are answered 503. */
  heldBodiesBytes: 128 * 1024 * 1024,
  /** A body that is held whole must come within this; one that streams may take its time. */
  heldBodyTimeoutMs: 60_000,
  /** Nesting of a JSON body with a token in it; no API comes near it. */
  jsonDepth: 64,
  /** A WebSocket message of a client is held whole up to this, to be searched first; a longer one is searched on its way. */
  webSocketMessageBytes: 1024 * 1024,
  /** A WebSocket frame up to this goes on in one piece; a longer one in fragments, as it comes. */
  webSocketPieceBytes: 64 * 1024,
  /** Streams of an HTTP/2 connection at one time; gRPC servers allow 100 and more. */
  http2Streams: 128,
  /** Informational responses before the final one. */
  informationalResponses: 16,
  /** What is read and dropped of a refused request's body, so that the client reads the answer before a reset. */
  drainBytes: 1024 * 1024,
  /** How long that is read, and how long a client may take for the end of a tunnel. */
  drainMs: 1_000,
  /** Sealed tokens in one request to a server's proxy, each of which is opened and looked up; requests carry one or two. */
  sealedTokens: 8,
  /** Exchanges of one caller of a server's proxy at one time, WebSockets among them; an eighth of all. */
  exchangesPerCaller: 1024,
  /** What another worker of a server may take for an answer: a line on disk, a look-up over the local network. */
  workerAnswerMs: 5_000,
  /** Wrong passes that are written to the audit log in ten seconds: who has none must not fill the disk. */
  wrongPassesTold: 256,
  /** A refusal that comes again is told to the operator once in this time. */
  refusalQuietMs: 10_000,
  /** Different refusals that are told in that time; the rest is counted. */
  refusalsTold: 256,
} as const;
