import { parseHost } from "../../policy/host.ts";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";

/** A request as an upstream saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A TLS server with a CA of its own that plays public hosts on loopback. */
export class TlsUpstream implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** For `upstream_ca`. */
  readonly caPem: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(caPem: string, server: (record: (seen: SeenRequest) => void) => Deno.HttpServer<Deno.NetAddr>) {
    this.caPem = caPem;
    this.#server = server((seen) => this.seen.push(seen));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** `[blind]` of a configuration that sends these names here, and allows them. */
  toml(names: readonly string[], caFile = "upstream-ca.pem"): string {
    const connect = names.map((name) => `"${name}" = "127.0.0.1:${this.port}"`).join(", ");
    const rules = names.map((name) => `[[blind.connections]]\nallow = true\nhost = "${name}"\n`).join("");
    return `[blind]\nconnect = { ${connect} }\nupstream_ca = "${caFile}"\n${rules}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

export interface TlsUpstreamOptions {
  /** The name on the certificate. */
  readonly host: string;
  /** It plays a team server's proxy, which its certificate names too. */
  readonly isServerProxy?: boolean;
  /** What answers; the default echoes the request as JSON, headers and body included. */
  readonly respond?: (request: Request, body: string) => Response;
}

/** Starts one; `await using upstream = await startTlsUpstream({ host: "api.github.com" })`. */
export async function startTlsUpstream(options: TlsUpstreamOptions): Promise<TlsUpstream> {
  const { host, isServerProxy = false, respond = echo } = options;
  const naming = isServerProxy ? { alsoNamed: SERVER_PROXY_NAME } : {};
  const authority = await CertificateAuthority.create({ now: new Date(), ...naming });
  const { certPem, keyPem } = await authority.issue(parseHost(host));
  return new TlsUpstream(
    authority.certificatePem,
    (record) =>
      Deno.serve({ hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} }, async (request) => {
        const body = await request.text();
        const headers = Object.fromEntries(request.headers);
        record({ method: request.method, url: request.url, headers, body });
        return respond(request, body);
      }),
  );
}

function echo(request: Request, body: string): Response {
  return Response.json({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body,
  });
}
