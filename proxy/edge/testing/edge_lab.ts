import { parseHost } from "../../../policy/host.ts";
import { parseHostGrant } from "../../../policy/host_pattern.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import type { Resource } from "../../../policy/server/bundle.ts";
import { parseCredentialLocation } from "../../../policy/server/credential_location.ts";
import { parseRefPattern, parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { closeQuietly } from "../../close_quietly.ts";
import { decodeLatin1, encodeLatin1 } from "../../http/latin1.ts";
import { answerCalls, PortCaller } from "../../port_calls.ts";
import type { ValueFromResolver } from "../../protocol.ts";
import type { Refusal } from "../../refusal.ts";
import { CANARY, okay, readAll, utf8 } from "../../testing/lab.ts";
import { RawClient } from "../../testing/raw_client.ts";
import { RawUpstream } from "../../testing/raw_upstream.ts";
import { CertificateAuthority } from "../../tls/certificate_authority.ts";
import { writeAll } from "../../write_all.ts";
import { EdgeProxy, type EdgeProxyOptions } from "../edge_proxy.ts";
import type { StateAnswer, StateRequest, ValueRequest } from "../protocol.ts";
import { newTokenId, type ProxyPass, type SealedClaims, TokenSealer } from "../token_sealer.ts";
import { ValueCache } from "../value_cache.ts";

/** A resource as a bundle writes it, with what is usual left out. */
export interface LabResource {
  readonly ref?: string;
  readonly secret?: string;
  readonly location?: string;
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

export interface EdgeLabOptions {
  readonly resources?: readonly LabResource[];
  /** Values by the backend's ref; the default is {@linkcode CANARY} for every one, with the ref before it if not "pat". */
  readonly values?: Readonly<Record<string, string>>;
  /** What the upstream answers. */
  readonly respond?: (request: string, conn: Deno.Conn) => string | Promise<string>;
  /** Takes the place of what the audit worker answers. */
  readonly audit?: (event: AuditEvent) => Promise<null>;
  /** Takes the place of what the state worker answers. */
  readonly state?: (request: StateRequest) => Promise<StateAnswer>;
  readonly trusted?: boolean;
}

/** A server's proxy before a raw upstream that plays `api.test` and `other.test`, its other workers at real ports. */
export interface EdgeLab extends AsyncDisposable {
  readonly proxy: EdgeProxy;
  readonly serverKey: Uint8Array<ArrayBuffer>;
  readonly upstream: RawUpstream;
  readonly values: ValueCache;
  readonly events: readonly AuditEvent[];
  readonly refusals: readonly Refusal[];
  readonly revoked: { readonly ids: Set<string>; readonly subjects: Map<string, number> };
  /** How often each value was read. */
  readonly reads: readonly ValueRequest[];
  /** The time that the proxy sees; settable. */
  clock: { now: number };
  /** A token for `github/pat` of `internal` and `agent-1`. */
  token(claims?: Partial<Omit<SealedClaims, "resource">> & { resource?: string }): Promise<string>;
  pass(pass?: Partial<ProxyPass>): Promise<string>;
  /** Another proxy with the same upstream and workers. */
  replica(options?: Partial<EdgeProxyOptions> & { labResources?: readonly LabResource[] }): Promise<EdgeProxy>;
  /** Opens a tunnel with TLS inside. */
  tunnel(options?: TunnelOptions): Promise<Deno.TlsConn>;
  client(options?: TunnelOptions): Promise<RawClient>;
  /** Sends bytes inside a tunnel and reads until the proxy closes; `CLOSE` makes it do so. */
  inside(bytes: string, options?: TunnelOptions): Promise<string>;
  /** Sends bytes to the proxy as they are and reads until it closes. */
  raw(bytes: string): Promise<string>;
}

export interface TunnelOptions {
  readonly authority?: string;
  readonly pass?: string;
  readonly proxy?: EdgeProxy;
  /** What the client trusts; default: the proxy's own. */
  readonly caPem?: string;
  /** What it asks for, and verifies; default: the host that it opens the tunnel to. */
  readonly serverName?: string;
}

export const CALLER = { issuer: "internal", subject: "agent-1" } as const;

export function labResource(resource: LabResource = {}): Resource {
  return {
    ref: parseRefPattern(resource.ref ?? "github/pat"),
    resolver: "backend",
    secret: resource.secret ?? "pat",
    mode: "masked",
    ttlSeconds: 300,
    location: parseCredentialLocation(resource.location ?? "header:Authorization:Bearer"),
    hosts: (resource.hosts ?? ["api.test"]).map(parseHostGrant),
    methods: resource.methods,
    paths: resource.paths,
  };
}

export function proxyAuthorization(pass: string): string {
  return `Proxy-Authorization: Basic ${btoa(`kz:${pass}`)}\r\n`;
}

export async function openEdgeLab(options: EdgeLabOptions = {}): Promise<EdgeLab> {
  const stack = new AsyncDisposableStack();
  const upstreamCa = await CertificateAuthority.create({ now: new Date() });
  const certificate = await upstreamCa.issue(parseHost("api.test"));
  const upstream = stack.use(new RawUpstream(certificate, options.respond ?? (() => okay("hello"))));
  const serverKey = crypto.getRandomValues(new Uint8Array(32));
  const sealer = await TokenSealer.create(serverKey);
  const events: AuditEvent[] = [];
  const refusals: Refusal[] = [];
  const reads: ValueRequest[] = [];
  const revoked = { ids: new Set<string>(), subjects: new Map<string, number>() };
  const clock = { now: Date.now() };

  const connectCalls = <Request, Answer>(handle: (request: Request, handOver: Transferable[]) => Promise<Answer>) => {
    const { port1, port2 } = new MessageChannel();
    stack.use(answerCalls<Request, Answer>(port2, handle));
    return stack.use(new PortCaller<Request, Answer>(port1));
  };
  const audit = connectCalls<AuditEvent, null>(
    options.audit ?? ((event) => {
      events.push(event);
      return Promise.resolve(null);
    }),
  );
  const state = connectCalls<StateRequest, StateAnswer>(
    options.state ?? ((request) => {
      if (request.kind !== "is-revoked") throw new Error("not asked here");
      const { id, issuer, subject, issuedAt } = request;
      const until = revoked.subjects.get(`${issuer}|${subject}`) ?? -Infinity;
      return Promise.resolve({ revoked: revoked.ids.has(id) || issuedAt <= until });
    }),
  );
  const vault = connectCalls<ValueRequest, null>((request, ports) => {
    reads.push(request);
    const value = options.values?.[request.secret] ??
      (request.secret === "pat" ? CANARY : `${request.secret}-${CANARY}`);
    const { port1, port2 } = new MessageChannel();
    const answer: ValueFromResolver = { id: request.secret, bytes: utf8(value) };
    port1.postMessage(answer);
    stack.defer(() => port1.close());
    ports.push(port2);
    return Promise.resolve(null);
  });
  const values = stack.use(new ValueCache(vault));
  const replica: EdgeLab["replica"] = async ({ labResources, ...more } = {}) =>
    stack.use(
      await EdgeProxy.start({
        listen: { hostname: "127.0.0.1", port: 0 },
        resources: (labResources ?? options.resources ?? [{}]).map(labResource),
        serverKey,
        values,
        audit,
        state,
        dial: {
          connect: new Map(["api.test", "other.test", "evil.test"].map((name) => [
            parseHost(name),
            { hostname: "127.0.0.1", port: upstream.port },
          ])),
          upstreamCa: options.trusted === false ? [] : [upstreamCa.certificatePem],
          anyAddress: true,
        },
        now: () => clock.now,
        onRefusal: (refusal) => refusals.push(refusal),
        ...more,
      }),
    );
  const proxy = await replica();
  const pass: EdgeLab["pass"] = (part = {}) => sealer.sealPass({ ...CALLER, expiresAt: clock.now + 60_000, ...part });
  const dial = (to = proxy) => Deno.connect({ hostname: "127.0.0.1", port: to.port });
  const tunnel: EdgeLab["tunnel"] = async ({ authority = "api.test:443", proxy: to = proxy, ...given } = {}) => {
    const conn = await dial(to);
    try {
      const login = proxyAuthorization(given.pass ?? await pass());
      await writeAll(conn, encodeLatin1(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`));
      const answer = await readHead(conn);
      if (!answer.startsWith("HTTP/1.1 200 ")) {
        const body = new Uint8Array(1024);
        throw new Error(answer + decodeLatin1(body.subarray(0, await conn.read(body) ?? 0)));
      }
      const hostname = given.serverName ?? authority.replace(/:\d+$/, "");
      const tls = await Deno.startTls(conn, { hostname, caCerts: [given.caPem ?? to.caPem] });
      await tls.handshake().catch((error) => {
        closeQuietly(tls);
        throw error;
      });
      return tls;
    } catch (error) {
      closeQuietly(conn);
      throw error;
    }
  };
  const exchange = async (conn: Deno.Conn, bytes: string) => {
    using _ = { [Symbol.dispose]: () => closeQuietly(conn) };
    await writeAll(conn, encodeLatin1(bytes)).catch(() => {});
    return await readAll(conn);
  };
  return {
    proxy,
    serverKey,
    upstream,
    values,
    events,
    refusals,
    revoked,
    reads,
    clock,
    token: ({ resource = "github/pat", ...part } = {}) =>
      sealer.seal({
        id: newTokenId(),
        resource: parseResourceRef(resource),
        ...CALLER,
        issuedAt: clock.now,
        expiresAt: clock.now + 60_000,
        ...part,
      }),
    pass,
    replica,
    tunnel,
    client: async (tunnelOptions) => new RawClient(await tunnel(tunnelOptions)),
    inside: async (bytes, tunnelOptions) => await exchange(await tunnel(tunnelOptions), bytes),
    raw: async (bytes) => await exchange(await dial(), bytes),
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      // Lets the connections that were closed finish their last turn.
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

async function readHead(conn: Deno.Conn): Promise<string> {
  let text = "";
  const byte = new Uint8Array(1);
  while (!text.endsWith("\r\n\r\n") && await conn.read(byte) !== null) text += String.fromCharCode(byte[0]!);
  return text;
}
