import type { KzOptions, KzResult } from "./kz.ts";
import { makeCanary, makeProject, type Project } from "./project.ts";
import { startTlsUpstream, type TlsUpstream, type TlsUpstreamOptions } from "./tls_upstream.ts";

/** The name of the host that may be reached. */
export const API_HOST = "api.test";
/** A variable of the caller that holds the value of `API_TOKEN` too; not one that a blind child inherits. */
export const SOURCE = "SOURCE_OF_TOKEN";

export interface BlindProjectOptions extends Partial<TlsUpstreamOptions> {
  /** Fields of the secret `API_TOKEN`, after its provider and reference. */
  readonly fields?: string;
  /** Further lines of `[secrets]`. */
  readonly secrets?: string;
  /** Further lines of `[blind]`. */
  readonly blind?: string;
  /** The value of `API_TOKEN`; default: a new canary. */
  readonly value?: string;
  /** Names that lead to the upstream; default: {@linkcode API_HOST} alone. */
  readonly names?: readonly string[];
}

/** A project with one secret, `API_TOKEN`, and one host that may be reached, which echoes what it is sent. */
export class BlindProject implements AsyncDisposable {
  readonly upstream: TlsUpstream;
  readonly project: Project;
  /** The value of `API_TOKEN`. */
  readonly value: string;

  constructor(upstream: TlsUpstream, project: Project, value: string) {
    this.upstream = upstream;
    this.project = project;
    this.value = value;
  }

  /** Runs kz with the value at hand. */
  kz(args: readonly string[], options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.project.kz(args, { ...options, env: { [SOURCE]: this.value, ...options.env } });
  }

  /** `kz run --blind -- …command`. */
  blind(command: readonly string[], options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.kz(["run", "--blind", "--", ...command], options);
  }

  /** `kz run --blind -- sh -c script`. */
  shell(script: string, options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.blind(["sh", "-c", script], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]();
    await this.upstream[Symbol.asyncDispose]();
  }
}

/** Makes one; `await using project = await makeBlindProject()`. */
export async function makeBlindProject(options: BlindProjectOptions = {}): Promise<BlindProject> {
  const { fields = "", secrets = "", blind = "", value = makeCanary(), names = [API_HOST] } = options;
  const upstream = await startTlsUpstream({ host: API_HOST, ...options });
  const toml = `[secrets]
API_TOKEN = { provider = "file", ref = "token.txt"${fields === "" ? "" : `, ${fields}`} }
${secrets}
${upstream.toml(names).replace("[blind]\n", `[blind]\n${blind}\n`)}`;
  const project = await makeProject({ toml, files: { "upstream-ca.pem": upstream.caPem, "token.txt": value } });
  return new BlindProject(upstream, project, value);
}
