import { parseHost } from "../../policy/host.ts";
import { RawUpstream } from "../../proxy/testing/raw_upstream.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { API_HOST, SOURCE } from "./blind_project.ts";
import type { KzOptions, KzResult } from "./kz.ts";
import { makeCanary, makeProject, type Project } from "./project.ts";

export interface RawBlindProjectOptions {
  /** The bytes that answer a request; default: an empty 204. */
  readonly respond?: (request: string, conn: Deno.Conn) => string | Promise<string>;
  /** The name on the certificate; default: {@linkcode API_HOST}. */
  readonly certificateFor?: string;
  /** When the certificate was made; default: now. */
  readonly madeAt?: Date;
  /** Whether `upstream_ca` names the authority of the certificate; default: yes. */
  readonly trusted?: boolean;
  /** False: no TLS. */
  readonly secure?: boolean;
}

/** As `BlindProject`, with an upstream whose answers are bytes as they are given, and whose certificate may be bad. */
export class RawBlindProject implements AsyncDisposable {
  readonly upstream: RawUpstream;
  readonly project: Project;
  /** The value of `API_TOKEN`. */
  readonly value: string;

  constructor(upstream: RawUpstream, project: Project, value: string) {
    this.value = value;
    this.upstream = upstream;
    this.project = project;
  }

  /** `kz run --blind -- sh -c script`. */
  shell(script: string, options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    const env = { [SOURCE]: this.value, ...options.env };
    return this.project.kz(["run", "--blind", "--", "sh", "-c", script], { ...options, env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]();
    await this.upstream[Symbol.asyncDispose]();
  }
}

/** Makes one; `await using blind = await makeRawBlindProject({ respond })`. */
export async function makeRawBlindProject(options: RawBlindProjectOptions = {}): Promise<RawBlindProject> {
  const { respond = () => "HTTP/1.1 204 No Content\r\n\r\n", certificateFor = API_HOST, secure = true } = options;
  const authority = await CertificateAuthority.create({ now: options.madeAt ?? new Date() });
  const other = await CertificateAuthority.create({ now: new Date() });
  const certificate = secure ? await authority.issue(parseHost(certificateFor)) : undefined;
  const upstream = new RawUpstream(certificate, respond);
  const toml = `[secrets]
API_TOKEN = { provider = "file", ref = "token.txt" }
[blind]
connect = { "${API_HOST}" = "127.0.0.1:${upstream.port}" }
upstream_ca = "upstream-ca.pem"
[[blind.connections]]
allow = true
host = "${API_HOST}"
[[blind.connections]]
allow = true
host = "127.0.0.1"
`;
  const roots = (options.trusted === false ? other : authority).certificatePem;
  const value = makeCanary();
  const files = { "upstream-ca.pem": roots, "token.txt": value };
  return new RawBlindProject(upstream, await makeProject({ toml, files }), value);
}
