/**
 * What the program must do and withstand, by id. A test cites an id in its name: it begins with `TM-08` or ends with
 * `[F-3.2]` or, for the team server, `[S-3.2]`; where that does not fit, the comment `requirement: F-3.2` stands above it.
 *
 * `covered`: at least one test cites it. `later`: not done; SECURITY.md says what that means for a threat.
 * `by hand`: shown by a command that CONTRIBUTING names, since a test of it would only test itself.
 */
export type Status = "covered" | "later" | "by hand";

export interface Requirement {
  readonly id: string;
  readonly status: Status;
  readonly text: string;
}

const covered = (id: string, text: string): Requirement => ({ id, status: "covered", text });
const later = (id: string, text: string): Requirement => ({ id, status: "later", text });
const byHand = (id: string, text: string): Requirement => ({ id, status: "by hand", text });

export const REQUIREMENTS: readonly Requirement[] = [
  // Repository
  covered("F-1.1", "deno.json has every task that the documents name"),
  covered("F-1.2", "every document and licence text is there"),
  covered("F-1.3", "tests run with leak sanitizers on"),
  covered("F-1.4", "the lint plugin holds message grammar, brands and worker permissions"),
  covered("F-1.5", "a layer imports only from those it may know"),
  covered("F-1.6", ".ci/run passes on a fresh machine and fails when a test fails"),

  // Two commands on a fresh machine
  covered(
    "F-2.1",
    "the demo shows what the agent saw and what the upstream received, and exits non-zero if it is not so",
  ),
  byHand("F-2.2", "the tests pass with an empty home; what needs something absent is ignored by name"),

  // Configuration
  covered("F-3.1", ".keyzero.toml is found by walking up"),
  covered("F-3.2", ".keyzero.local.toml overrides it"),
  covered("F-3.3", "global defaults lie under it"),
  covered("F-3.4", "environments override per key; an unknown one is refused only from --env or KEYZERO_ENV"),
  covered("F-3.5", "composed secrets are made of others; cycles and unknown names are refused"),
  covered("F-3.6", "a mistake is refused with file, line, key and the nearest valid name"),
  covered("F-3.7", "no message about the configuration holds a value"),
  covered("F-3.8", "the JSON Schema of .keyzero.toml is generated and committed"),

  // kz run
  covered("F-4.1", "in direct mode values are in the child's environment and nowhere else"),
  covered("F-4.2", "standard streams are inherited byte-exact"),
  covered("F-4.3", "a terminal stays a terminal"),
  covered("F-4.4", "signals are relayed"),
  covered("F-4.5", "the exit status is the child's, 128+n, 126, 127, or ours before it starts"),
  covered("F-4.6", "--redact scrubs output, and keeps a PTY when there was one"),
  covered("F-4.7", "{{NAME}} puts a token into an argument in blind mode and is refused in direct mode"),
  covered("F-4.8", "secrets resolve concurrently, every failure is listed, the child does not start"),
  covered("F-4.9", "--env and --only choose what is resolved"),
  covered("F-4.10", "--clean-env and --keep-env choose what the child inherits"),

  // Providers
  covered("F-5.1", "keychain: Secret Service, macOS Keychain, Credential Manager"),
  covered("F-5.2", "store: an age file with atomic writes and a lock"),
  covered("F-5.3", "env"),
  covered("F-5.4", "file"),
  covered("F-5.5", "dotenv"),
  covered("F-5.6", "aws: Secrets Manager and Parameter Store, against a local endpoint"),
  covered("F-5.7", "each provider runs in a worker with its own permissions"),
  covered("F-5.8", "kz put prompts without echo, reads --stdin, and takes no value from an argument"),
  covered("F-5.9", "kz init chooses keychain if one answers, else store"),
  covered("F-5.10", "kz add edits the TOML in place and keeps comments and order"),
  covered("F-5.11", "kz status"),
  covered("F-5.12", "kz validate"),

  // Blind mode
  covered("F-6.1", "the child holds tokens of 128 random bits"),
  covered("F-6.2", "the CA lives in memory for one run"),
  covered("F-6.3", "CONNECT is intercepted"),
  covered("F-6.4", "plain HTTP in absolute form is proxied"),
  covered("F-6.5", "tokens in headers are swapped, Basic included"),
  covered("F-6.6", "of a URL only the password is masked"),
  covered("F-6.7", "connection rules decide, first match wins"),
  covered("F-6.8", "a secret goes only to its hosts"),
  covered(
    "F-6.9",
    "a refusal is a 403 with a JSON body for the child and one line that names the rule for the operator",
  ),
  covered(
    "F-6.10",
    "connect dials another address, upstream_ca adds roots, the certificate is still verified for the name",
  ),
  covered("F-6.11", "the proxy asks for the credentials of its run"),
  covered("F-6.12", "CA and proxy variables reach Node"),
  covered("F-6.13", "CA and proxy variables reach Python"),
  covered("F-6.14", "CA and proxy variables reach curl"),
  covered("F-6.15", "CA and proxy variables reach git"),
  covered("F-6.16", "CA and proxy variables for Go, Deno, Ruby and Java are set"),
  covered("F-6.17", "a preload routes older Node"),
  covered("F-6.18", "bodies stream both ways"),
  covered("F-6.19", "keep-alive, chunked, Expect: 100-continue, HEAD, 204 and 304"),
  covered("F-6.20", "what the swap cannot do is refused"),

  // The binary
  covered("F-7.1", "the compiled program runs, its workers included"),
  byHand("F-7.2", "one executable per target, with a checksums file"),
  byHand("F-7.3", "start-up is measured by the benchmark"),

  // Benchmark
  byHand("F-8.1", "the benchmark prints ratios against direct and installed peers and writes JSON"),

  // Must hold: bad input gets a clear error and loses nothing
  covered("F-9.1", "broken TOML"),
  covered("F-9.2", "unknown provider"),
  covered("F-9.3", "missing secret"),
  covered("F-9.4", "unreadable store"),
  covered("F-9.5", "wrong passphrase"),
  covered("F-9.6", "two writers"),
  covered("F-9.7", "full disk"),
  covered("F-9.8", "closed standard input at a prompt"),
  covered("F-9.9", "a child that cannot be executed"),
  covered("F-9.10", "a port in use"),
  covered("F-9.11", "an upstream with a bad certificate"),
  covered("F-9.12", "an upstream that cuts in mid-body"),
  covered("F-9.13", "the canary is in nothing that the child can see and in nothing that was written"),

  // The blind proxy: placement and tokens
  covered("P-1.1", "tokens in path, query, header and body are replaced, each encoded for its place"),
  covered("P-1.2", "a body is replaced by field: JSON, form, multipart"),
  covered("P-1.3", "a compressed request body is decoded under a cap and sent as it is meant"),
  covered("P-1.4", "a token anywhere else, in any encoding, refuses the request"),
  covered("P-1.5", "WebSocket: the handshake, and text where the secret says so; no extension is negotiated"),
  covered("P-1.6", "a catalogue of services binds secrets by name"),
  covered("P-2.1", "tokens have the shape that programs check"),
  covered("P-2.2", "tokens are unique, and none holds another"),

  // The blind proxy: what comes back, and what goes out
  covered("P-3.1", "values are found in every encoding, in compressed bodies, trailers, events and frames"),
  covered("P-3.2", "the search agrees with a naive one, also among thousands of patterns"),
  covered("P-3.3", "a value that is too short to be found is told of at the start"),
  covered("P-4.1", "a corpus of raw requests and responses, sent over a socket"),
  covered("P-4.2", "caps stand in one table, and the rest keeps working where one is reached"),
  covered("P-5.1", "HTTP/2 with clients that speak nothing else, and with their hosts; trailers, streams both ways"),
  covered("P-5.2", "gRPC works with a real client and server, in every kind of call"),

  // The blind proxy: long runs, signatures, fuzzing, clients
  covered("P-6.1", "a value that changes at its provider is picked up in the run, in time and at once on a 401"),
  covered("P-7.1", "AWS requests are checked and signed anew, by AWS's own vectors and with real SDKs"),
  covered("P-8.1", "seeded fuzzing of every parser finds a fault that is put in"),
  covered("P-9.1", "the table of clients is what the tests found"),
  byHand("P-10.1", "rates, latency, growth and the cost of many secrets are measured by the benchmark"),

  // Team server: the bundle
  covered(
    "S-1.1",
    "every key of issuers, policies, resources, backends, network and state reads as docs/bundle.md says",
  ),
  covered("S-1.2", "a fault is refused with file, line and key, never the value, and every one is listed"),
  covered("S-1.3", "any text at all becomes a bundle or problems, and none of it is shown"),
  covered("S-1.4", "kz server check needs no network, and warns of what never matches, allows all or trusts context"),
  covered("S-1.5", "the JSON Schema of bundles is generated, committed, and agrees with what is read"),
  covered("S-1.6", "SIGHUP and a change reload: the new bundle or the old one, whole"),

  // Team server: identity
  covered("S-2.1", "every algorithm that is listed, kid, aud, exp and nbf with leeway; all else is refused"),
  covered("S-2.2", "JWKS are cached, renewed on an unknown kid with a rate limit, and bounded in size and time"),
  covered("S-2.3", "JWKS come from the bundle's hosts alone, and from a private address only if it says so"),
  covered("S-2.4", "a JWT is verified once, until what that rests on changes; memory is bounded"),
  covered("S-2.5", "static keys: one algorithm each, none that is weak or private"),
  covered("S-2.6", "claims become an identity by the issuer's type and map"),

  // Team server: policies and resources
  covered("S-3.1", "CEL's own conformance data holds for what is exposed"),
  covered("S-3.2", "the first policy whose rule is true decides; none: default-deny"),
  covered("S-3.3", "a rule reads host, method and path of a fetch"),
  covered("S-3.4", "a rule that fails or gives no boolean denies at once"),
  covered("S-3.5", "rules are compiled once, and unknown names and bad expressions refused then"),
  covered("S-3.6", "glob() over refs, which no claim widens"),
  covered("S-3.7", "a rule's work is bounded"),
  covered("S-3.8", "a rule that is passed over without evaluation would have been false"),
  covered("S-3.9", "claims and context of any form change nothing but the decision"),
  covered("S-3.10", "an exact ref, then the longest literal prefix; the backend's ref stays below its text"),
  covered("S-3.11", "a ref has one spelling; patterns match in linear time"),
  covered("S-3.12", "policies that cannot decide, trust the caller or forget resolve are warned of"),
  covered("S-3.13", "kz server test replays recorded requests and prints what changed"),

  // Team server: HTTP
  covered("S-4.1", "healthz, resolve, fetch, revoke, metrics; results by ref, batches mixed"),
  covered("S-4.2", "the OpenAPI document is generated, committed, served, and valid"),
  covered("S-4.3", "errors are RFC 9457 problems and echo nothing; docs/server.md says what to do"),
  covered("S-4.4", "TLS; plain HTTP beyond this machine only with --insecure-http"),
  covered("S-4.5", "bodies, queue and time are bounded; the server ends gracefully"),

  // Team server: MCP
  covered("S-5.1", "resolve and fetch on standard streams, with the official client and the inspector"),
  covered(
    "S-5.2",
    "resolve and fetch over streamable HTTP; the official conformance suite passes for a server with tools",
  ),
  covered("S-5.3", "over MCP nothing gives a value, whatever the mode, and no error repeats a credential"),
  covered("S-5.4", "with --jwt-file a caller on this machine needs no JWT"),
  covered("S-5.5", "fetch injects, sends, scrubs, caps and tells what it left out"),
  covered(
    "S-5.6",
    "the founding scenario: the host sees the value, the agent sees status and body, the transcript has no value",
  ),

  // Team server: tokens
  covered("S-6.1", "KZ_TOK_ is sealed under the server key, which can be given or is made"),
  covered("S-6.2", "the proxy replaces it under the resource's hosts, methods and paths"),
  covered("S-6.3", "revocation by id and by subject, in memory or in Redis"),
  covered("S-6.4", "kz run --blind --server and the provider keyzero"),
  covered("S-6.5", "replicas share a key and Redis alone; docs/deploy has a compose file and a Kubernetes manifest"),

  // Team server: audit
  covered("S-7.1", "one hash-chained JSON line a decision and a swap, verified by kz audit verify"),
  covered("S-7.2", "to a file, standard output or an OTLP endpoint, and no answer without it"),
  covered("S-7.3", "kz audit tail"),
  covered("S-7.4", "kill -9 and restart lose no line that was acknowledged"),

  // Team server: trying it out
  covered("S-8.1", "kz jwt keygen makes a key of every algorithm, and prints what a bundle takes"),
  covered("S-8.2", "a key is written to a new file that its owner alone reads, and never in a blind run"),
  covered("S-8.3", "kz jwt sign sets claims and times, and refuses what is no key for it"),
  covered("S-8.4", "kz jwt refuses wrong arguments and repeats none"),
  covered("S-8.5", "kz jwt inspect says what is in a JWT and why a bundle refuses it, and shows nothing of it"),
  covered("S-8.6", "docs/server.md leads from nothing to resolve, fetch and MCP as it is written"),

  byHand("S-9.1", "the benchmark measures resolve, policies and fetches"),

  // Threats
  covered("TM-01", "reflection"),
  covered("TM-02", "compressed reflection"),
  covered("TM-03", "split reflection"),
  covered("TM-04", "create-then-read"),
  covered("TM-05", "extra copy"),
  covered("TM-06", "minted credentials"),
  covered("TM-07", "standard output, standard error, crash"),
  covered("TM-08", "name confusion"),
  covered("TM-09", "wrong peer"),
  covered("TM-10", "clear text"),
  covered("TM-11", "redirect"),
  covered("TM-12", "rebinding and special addresses"),
  covered("TM-13", "host spelling"),
  covered("TM-14", "shared host"),
  covered("TM-15", "laundering"),
  covered("TM-16", "another local process"),
  covered("TM-17", "the real value, learned elsewhere"),
  covered("TM-18", "smuggling"),
  covered("TM-19", "ambiguous path"),
  covered("TM-20", "header spelling"),
  covered("TM-21", "other verbs and upgrades"),
  covered("TM-22", "control bytes in a value"),
  covered("TM-23", "token collisions"),
  covered("TM-24", "exhaustion"),
  later("TM-25", "going round the proxy"),
  covered("TM-26", "reading the broker"),
  covered("TM-27", "writing the broker"),
  later("TM-28", "hostile project"),
  covered("TM-29", "CA theft"),
  covered("TM-30", "logs"),
  covered("TM-31", "self-approval"),
  covered("TM-32", "erroring rule"),
  covered("TM-33", "JWT"),
  covered("TM-34", "fetch as a confused deputy"),
  covered("TM-35", "reference tricks"),
  covered("TM-36", "token replay"),
  covered("TM-37", "untrusted context"),
  covered("TM-38", "denial by load"),
  later("TM-39", "database downgrade"),
  later("TM-40", "channel binding and proxying"),
  later("TM-41", "the value in query results or errors"),
  later("TM-42", "wrong database"),
];
