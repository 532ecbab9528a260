import { type Host, parseHost } from "../../../policy/host.ts";
import { parseHostGrant } from "../../../policy/host_pattern.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import type { Network, Resource } from "../../../policy/server/bundle.ts";
import { parseCredentialLocation } from "../../../policy/server/credential_location.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { parseRefPattern, parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { decodeLatin1 } from "../../http/latin1.ts";
import { answerCalls, PortCaller } from "../../port_calls.ts";
import type { ValueFromResolver } from "../../protocol.ts";
import { CANARY, okay, utf8 } from "../../testing/lab.ts";
import { RawUpstream } from "../../testing/raw_upstream.ts";
import { CertificateAuthority } from "../../tls/certificate_authority.ts";
import { edgeDial, EdgeFetcher } from "../edge_fetcher.ts";
import { EDGE_LIMITS } from "../edge_limits.ts";
import type { FetchCommand, FetchReply, ValueRequest } from "../protocol.ts";
import { ValueCache } from "../value_cache.ts";

/** A resource of a bundle, written as there. */
export interface LabResource {
  readonly ref?: string;
  readonly secret?: string;
  readonly ttl?: number;
  readonly location?: string;
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

export function labResource(raw: LabResource = {}): Resource {
  return {
    ref: parseRefPattern(raw.ref ?? "github/pat"),
    resolver: "gh",
    secret: raw.secret ?? "github-pat",
    mode: "masked",
    ttlSeconds: raw.ttl ?? 300,
    location: parseCredentialLocation(raw.location ?? "header:Authorization:Bearer"),
    hosts: (raw.hosts ?? ["api.test"]).map(parseHostGrant),
    methods: raw.methods,
    paths: raw.paths,
  };
}

/** A vault on the other end of a port: gives values as resolver workers do, and counts. */
export class LabVault implements Disposable {
  /** By the backend's own ref; none: the value cannot be read. */
  readonly values: Map<string, string | Uint8Array>;
  readonly reads: string[] = [];
  /** What it waits for before each answer. */
  gate: Promise<void> = Promise.resolve();
  readonly caller: PortCaller<ValueRequest, null>;
  readonly #answering: Disposable;
  readonly #sent: MessagePort[] = [];

  constructor(values: Readonly<Record<string, string | Uint8Array>>) {
    this.values = new Map(Object.entries(values));
    const { port1, port2 } = new MessageChannel();
    this.caller = new PortCaller(port1);
    this.#answering = this.answer(port2);
  }

  /** Answers another port too. */
  answer(port: MessagePort): Disposable {
    return answerCalls<ValueRequest, null>(port, async ({ secret }, ports) => {
      this.reads.push(secret);
      await this.gate;
      const value = this.values.get(secret);
      if (value === undefined) throw new Denial("SECRET_UNAVAILABLE", { detail: "its backend has no such item" });
      const { port1, port2 } = new MessageChannel();
      const message: ValueFromResolver = { id: "any", bytes: typeof value === "string" ? utf8(value) : value.slice() };
      port1.postMessage(message);
      // Closed at the end: here, where both ends are in one isolate, the message would go with it.
      this.#sent.push(port1);
      ports.push(port2);
      return null;
    });
  }

  [Symbol.dispose](): void {
    for (const port of this.#sent) port.close();
    this.caller[Symbol.dispose]();
    this.#answering[Symbol.dispose]();
  }
}

export interface FetchLabOptions {
  readonly resources?: readonly LabResource[];
  /** In place of `resources`. */
  readonly parsed?: readonly Resource[];
  readonly values?: Readonly<Record<string, string | Uint8Array>>;
  readonly respond?: (request: string, conn: Deno.Conn) => string | Promise<string>;
  /** What the host sends as soon as it has a request's head. */
  readonly onHead?: (head: string) => string;
  /** The name on the host's certificate. */
  readonly certificateFor?: string;
  readonly certifiedAt?: Date;
  readonly trusted?: boolean;
  /** Names that are dialled at the host; the default is `api.test` and `other.test`. */
  readonly names?: readonly string[];
  /** What becomes of a line of the audit log. */
  readonly onAudit?: (event: AuditEvent) => Promise<void>;
}

/** An edge, its vault and audit log on ports, before a raw host over TLS. */
export interface FetchLab extends AsyncDisposable {
  readonly fetcher: EdgeFetcher;
  readonly values: ValueCache;
  readonly vault: LabVault;
  readonly host: RawUpstream;
  readonly network: Network;
  /** What was acknowledged. */
  readonly audit: readonly AuditEvent[];
  /** The default is a GET of `https://api.test/` for `github/pat`. */
  fetch(changes?: Partial<FetchCommand>): Promise<FetchReply>;
}

export async function openFetchLab(options: FetchLabOptions = {}): Promise<FetchLab> {
  const stack = new AsyncDisposableStack();
  const ca = await CertificateAuthority.create({ now: options.certifiedAt ?? new Date() });
  const certificate = await ca.issue(parseHost(options.certificateFor ?? "api.test"));
  const host = stack.use(new RawUpstream(certificate, options.respond ?? (() => okay("hello")), options));
  const vault = stack.use(new LabVault(options.values ?? { "github-pat": CANARY }));
  const values = stack.use(new ValueCache(vault.caller));
  const audit: AuditEvent[] = [];
  const { port1, port2 } = new MessageChannel();
  stack.use(answerCalls<AuditEvent, null>(port2, async (event) => {
    await options.onAudit?.(event);
    audit.push(event);
    return null;
  }));
  const caller = stack.use(new PortCaller<AuditEvent, null>(port1));
  const led = (options.names ?? ["api.test", "other.test"]).map((name): [Host, { hostname: string; port: number }] => [
    parseHost(name),
    { hostname: "127.0.0.1", port: host.port },
  ]);
  const network: Network = {
    connect: new Map(led),
    upstreamCa: options.trusted === false ? [] : [ca.certificatePem],
  };
  const resources = options.parsed ?? (options.resources ?? [{}]).map(labResource);
  const fetcher = new EdgeFetcher({ resources, dial: edgeDial(network), values, audit: caller });
  const owned = stack.move();
  return {
    fetcher,
    values,
    vault,
    host,
    network,
    audit,
    fetch: (changes) => fetcher.fetch(labCommand(resources[0]!, changes)),
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      // Lets the connections that were closed finish their last turn.
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

export function labCommand(resource: Resource, changes: Partial<FetchCommand> = {}): FetchCommand {
  return {
    ref: parseResourceRef("github/pat"),
    resource,
    url: "https://api.test/",
    method: "GET",
    headers: [],
    body: undefined,
    caller: { issuer: "internal", subject: "agent-7" },
    policy: "agent-reads-github",
    ...changes,
  };
}

/** Runs `body` with other limits. */
export async function withEdgeLimits(
  limits: Partial<Record<keyof typeof EDGE_LIMITS, number>>,
  body: () => Promise<void>,
): Promise<void> {
  const before = { ...EDGE_LIMITS };
  Object.assign(EDGE_LIMITS, limits);
  try {
    await body();
  } finally {
    Object.assign(EDGE_LIMITS, before);
  }
}

/** For `assert.rejects()`: a denial with this code, which holds no value. */
export function isDenial(code: string, detail?: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof Denial)) throw error;
    if (error.code !== code || (detail !== undefined && !detail.test(error.detail ?? ""))) {
      throw new Error(`${error.code}: ${error.detail}`, { cause: error });
    }
    return true;
  };
}

/** A response of a host, with a body of Latin-1 characters. */
export function answer(body: string, fields = "", status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A reply's body, one character for each byte. */
export function text({ body }: FetchReply): string {
  return decodeLatin1(body);
}
