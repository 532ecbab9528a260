import { type ConnectionRule, parseConnectionRule } from "../../policy/connection_rule.ts";
import { parseHost } from "../../policy/host.ts";
import { parseHostGrant } from "../../policy/host_pattern.ts";
import { makeMaskedToken, type MaskedToken } from "../../policy/masked_token.ts";
import { parseMask } from "../../policy/mask.ts";
import { DEFAULT_PLACEMENTS, parsePlacement } from "../../policy/placement.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { ClientLogin } from "../client_login.ts";
import { closeQuietly } from "../close_quietly.ts";
import { hostMatcher } from "../host_matcher.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { ProxyServer } from "../proxy_server.ts";
import { runService } from "../proxy_service.ts";
import type { Refusal } from "../refusal.ts";
import { RunSecrets } from "../run_secrets.ts";
import { ServerTokens } from "../server_tokens.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";
import { TlsTerminator } from "../tls/tls_terminator.ts";
import { writeAll } from "../write_all.ts";
import { type AnswerStream, Http2Host } from "./http2_host.ts";
import { RawClient } from "./raw_client.ts";
import { type AnswerRaw, RawHttp2Host } from "./raw_http2_host.ts";
import { RawUpstream } from "./raw_upstream.ts";

/** The value that must never be seen by a client. */
export const CANARY = "canary-3f9c1e7ab4d2-real-value";

export interface LabOptions {
  readonly rules?: readonly Parameters<typeof parseConnectionRule>[0][];
  /** `hosts` of the secret. */
  readonly hosts?: readonly string[];
  /** As in a configuration file. */
  readonly in?: readonly string[];
  readonly value?: string;
  /** Further secrets: values by name. */
  readonly more?: Readonly<Record<string, string>>;
  /** `hosts` of further secrets, by name; absent: anywhere. */
  readonly moreHosts?: Readonly<Record<string, readonly string[]>>;
  /** Of the secret, as in a configuration file. */
  readonly mints?: readonly string[];
  readonly mintedHosts?: readonly string[];
  /** As in a configuration file; the default is `whole`. */
  readonly mask?: string;
  /** What the upstream answers to each request, as bytes; the default is a small 200. */
  readonly respond?: (request: string, conn: Deno.Conn) => string | Promise<string>;
  /** Takes all that the upstream is sent, in place of `respond`. */
  readonly consume?: (bytes: Uint8Array) => string;
  /** What the upstream sends as soon as it has a request's head. */
  readonly onHead?: (head: string) => string;
  /** The name on the upstream's certificate; the default is the name that is dialled. */
  readonly certificateFor?: string;
  /** Names that are dialled at the upstream. */
  readonly names?: readonly string[];
  /** Names that are dialled at another port of this machine. */
  readonly connect?: Readonly<Record<string, number>>;
  /** `api.test` and `other.test` speak HTTP/2, and answer by this. */
  readonly http2?: AnswerStream;
  /** How many streams they take of a connection at one time. */
  readonly maxStreams?: number;
  /** The same, in frames as they are given. */
  readonly rawHttp2?: AnswerRaw;
  /** The upstream speaks clear text at `127.0.0.1`, and no name is led to it. */
  readonly clear?: boolean;
  /** When the upstream's certificate was made; the default is now. */
  readonly certifiedAt?: Date;
  /** The way to a team server's proxy, as `formatServerProxy()` makes it. */
  readonly serverProxy?: string;
  /** Told that the server's proxy does not take our pass. */
  readonly onPassRefused?: () => void;
  /** Told of secrets that a host answered 401 to. */
  readonly onUnauthorized?: (secrets: ReadonlySet<string>) => void;
  /** False leaves the upstream's CA out of the trusted ones. */
  readonly trusted?: boolean;
}

/** A proxy with one secret before a raw upstream that plays `api.test` (and `other.test`), on real sockets. */
export interface Lab extends AsyncDisposable {
  readonly port: number;
  readonly token: MaskedToken;
  /** Of OTHER_TOKEN, which may go to `other.test` only. */
  readonly secondToken: MaskedToken;
  /** The tokens of further secrets, by name. */
  readonly moreTokens: ReadonlyMap<string, MaskedToken>;
  /** What the child sees of API_TOKEN. */
  readonly masked: string;
  readonly login: ClientLogin;
  readonly caPem: string;
  readonly upstream: RawUpstream;
  /** Set where the hosts speak HTTP/2. */
  readonly http2Host: Http2Host | undefined;
  readonly rawHttp2Host: RawHttp2Host | undefined;
  readonly refusals: readonly Refusal[];
  /** Credentials that the upstream gave out: secret, field and host of each. */
  readonly minted: readonly string[];
  /** Sends bytes to the proxy as they are and reads until it closes. */
  raw(bytes: string): Promise<string>;
  /** Opens a tunnel with TLS inside. */
  tunnel(authority?: string, options?: { serverName?: string; protocols?: readonly string[] }): Promise<Deno.TlsConn>;
  /** A client of the proxy itself. */
  connect(): Promise<RawClient>;
  /** A client inside a tunnel. */
  client(authority?: string): Promise<RawClient>;
  /** Sends bytes inside a tunnel and reads until the proxy closes; `CLOSE` makes it do so. */
  inside(bytes: string, authority?: string): Promise<string>;
}

/** For requests after which the connection is to end. */
export const CLOSE = "Connection: close\r\n";

export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const stack = new AsyncDisposableStack();
  const upstreamCa = await CertificateAuthority.create({ now: options.certifiedAt ?? new Date() });
  const certificate = options.clear
    ? undefined
    : await upstreamCa.issue(parseHost(options.certificateFor ?? "api.test"));
  const upstream = stack.use(new RawUpstream(certificate, options.respond ?? (() => okay("hello")), options));
  const http2Host = options.http2 === undefined || certificate === undefined
    ? undefined
    : stack.use(await Http2Host.start(certificate, options.http2, { maxStreams: options.maxStreams }));
  const rawHttp2Host = options.rawHttp2 === undefined || certificate === undefined
    ? undefined
    : stack.use(new RawHttp2Host(certificate, options.rawHttp2));
  const token = makeMaskedToken(crypto.getRandomValues(new Uint8Array(16)));
  const secondToken = makeMaskedToken(crypto.getRandomValues(new Uint8Array(16)));
  const ref = parseSecretRef("lab");
  const shared = {
    ref,
    in: options.in?.map(parsePlacement) ?? DEFAULT_PLACEMENTS,
    mask: parseMask(options.mask ?? "whole"),
  };
  const more = Object.entries(options.more ?? {});
  const moreTokens = new Map(more.map(([name]) => [name, makeMaskedToken(crypto.getRandomValues(new Uint8Array(16)))]));
  const minted: string[] = [];
  const secrets = new RunSecrets(
    [
      {
        ...shared,
        name: parseSecretName("API_TOKEN"),
        token,
        hosts: options.hosts?.map(parseHostGrant),
        mints: options.mints,
        mintedHosts: options.mintedHosts?.map(parseHostGrant),
      },
      { ...shared, name: parseSecretName("OTHER_TOKEN"), token: secondToken, hosts: [parseHostGrant("other.test")] },
      ...Array.from(
        moreTokens,
        ([name, token]) => ({
          ...shared,
          name: parseSecretName(name),
          token,
          hosts: options.moreHosts?.[name]?.map(parseHostGrant),
        }),
      ),
    ],
    new Map([
      ["API_TOKEN", utf8(options.value ?? CANARY)],
      ["OTHER_TOKEN", utf8(`other-${CANARY}`)],
      ...more.map(([name, value]) => [name, utf8(value)] as const),
    ]),
    ({ secret, field, from }) => minted.push(`${secret} ${field} ${from.host}`),
  );
  const rules: readonly ConnectionRule[] | undefined = options.rules?.map((rule, at) =>
    parseConnectionRule(rule, at + 1)
  );
  const names = options.clear ? [] : options.names ?? ["api.test", "other.test"];
  const ca = await CertificateAuthority.create({ now: new Date() });
  const login = new ClientLogin(crypto.getRandomValues(new Uint8Array(16)));
  const refusals: Refusal[] = [];
  const terminator = stack.use(new TlsTerminator(ca));
  const server = stack.use(
    new ProxyServer({
      service: runService({
        policy: {
          rules,
          matcher: await hostMatcher(rules),
          tokens: secrets.tokens,
          get anyInBody() {
            return secrets.anyInBody;
          },
          awsKeys: secrets.awsKeys,
          get outgoingPlan() {
            return secrets.outgoingPlan;
          },
          get valuePlan() {
            return secrets.valuePlan;
          },
          minting: secrets.minting,
          onUnauthorized: options.onUnauthorized ?? (() => {}),
          ...(options.serverProxy === undefined ? {} : {
            server: new ServerTokens(options.serverProxy, {
              onPassRefused: options.onPassRefused ?? (() => {}),
              isSealed: (name) => secrets.isSealed(name),
            }),
          }),
          dial: {
            connect: new Map([
              ...names.map((name) => [name, (http2Host ?? rawHttp2Host ?? upstream).port] as const),
              ...Object.entries(options.connect ?? {}),
            ].map(([name, port]) => [parseHost(name), { hostname: "127.0.0.1", port }])),
            upstreamCa: options.trusted === false ? [] : [upstreamCa.certificatePem],
            anyAddress: true,
          },
        },
        login,
        onRefusal: (refusal) => refusals.push(refusal),
      }),
      terminator,
    }),
  );
  const connectHead = (authority: string) =>
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${
      btoa(`kz:${login.password}`)
    }\r\n\r\n`;
  const dial = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const tunnel: Lab["tunnel"] = async (authority = "api.test:443", { serverName, protocols } = {}) => {
    const conn = await dial();
    try {
      await writeAll(conn, encodeLatin1(connectHead(authority)));
      const answer = await readHead(conn);
      if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
      const hostname = serverName ?? authority.replace(/:\d+$/, "");
      const tls = await Deno.startTls(conn, {
        hostname,
        caCerts: [ca.certificatePem],
        // A client that names another host than it asked for cannot verify our certificate, and need not.
        unsafelyDisableHostnameVerification: serverName !== undefined,
        ...(protocols === undefined ? {} : { alpnProtocols: [...protocols] }),
      });
      await tls.handshake();
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
  const owned = stack.move();
  return {
    port: server.port,
    token,
    secondToken,
    moreTokens,
    masked: secrets.masked.get(parseSecretName("API_TOKEN"))!,
    login,
    caPem: ca.certificatePem,
    upstream,
    http2Host,
    rawHttp2Host,
    refusals,
    minted,
    tunnel,
    connect: async () => new RawClient(await dial()),
    client: async (authority) => new RawClient(await tunnel(authority)),
    raw: async (bytes) => await exchange(await dial(), bytes),
    inside: async (bytes, authority) => await exchange(await tunnel(authority), bytes),
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      // Lets the connections that were closed finish their last turn.
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function okay(body: string, fields = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${utf8(body).length}\r\n${fields}\r\n${body}`;
}

async function readHead(conn: Deno.Conn): Promise<string> {
  let text = "";
  const byte = new Uint8Array(1);
  while (!text.endsWith("\r\n\r\n") && await conn.read(byte) !== null) text += String.fromCharCode(byte[0]!);
  return text;
}

export async function readAll(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      text += decodeLatin1(buffer.subarray(0, count));
    }
  } catch {
    // Cut: what came is the answer.
  }
  return text;
}
