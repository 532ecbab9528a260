import { parseHost } from "../../policy/host.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { API_HOST, SOURCE } from "./blind_project.ts";
import type { KzOptions, KzResult } from "./kz.ts";
import { NodeServer } from "./node_server.ts";
import { makeCanary, makeProject, type Project } from "./project.ts";

export interface GrpcProjectOptions {
  /** The value of `API_TOKEN`; default: a new canary. */
  readonly value?: string;
  /** Further lines of the rule that allows {@linkcode API_HOST}. */
  readonly rule?: string;
}

/** A program in Node, with what `grpc_client.cjs` gives in scope. What it prints with `print()` is lines of JSON. */
export interface GrpcProgram {
  readonly script: string;
  /** Options of the channel, as JavaScript. */
  readonly channel?: string;
}

/** A project with one secret, `API_TOKEN`, and one host, {@linkcode API_HOST}, which is `grpc_server.cjs` in Node. */
export class GrpcProject implements AsyncDisposable {
  readonly project: Project;
  readonly server: NodeServer;
  /** The value of `API_TOKEN`. */
  readonly value: string;
  readonly #grpcPath: string;

  constructor(project: Project, server: NodeServer, value: string, grpcPath: string) {
    this.project = project;
    this.server = server;
    this.value = value;
    this.#grpcPath = grpcPath;
  }

  /** `kz run --blind -- node -e …`. */
  blind(program: GrpcProgram, options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.project.kz(["run", "--blind", "--", "node", "-e", this.#source(program, `${API_HOST}:443`)], {
      ...options,
      env: { [SOURCE]: this.value, ...options.env },
    });
  }

  /** The same program without kz: it has the value, and goes to the server itself. @returns Its standard output. */
  async direct(program: GrpcProgram): Promise<string> {
    const { port } = await this.server.event("port");
    const channel = `{ "grpc.ssl_target_name_override": ${JSON.stringify(API_HOST)} }`;
    const { stdout } = await new Deno.Command("node", {
      args: ["-e", this.#source({ ...program, channel }, `127.0.0.1:${port}`)],
      // Variables of the caller that name a proxy or other roots would lead elsewhere.
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        API_TOKEN: this.value,
        NODE_EXTRA_CA_CERTS: `${this.project.dir}/upstream-ca.pem`,
      },
      stdin: "null",
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  #source({ script, channel = "{}" }: GrpcProgram, target: string): string {
    const client = new URL("grpc_client.cjs", import.meta.url).pathname;
    const args = [this.#grpcPath, target].map((arg) => JSON.stringify(arg)).join(", ");
    return `const { token, bearer, print, close, unary, watch, sum, chat } =
      require(${JSON.stringify(client)})(${args}, ${channel});
    (async () => { ${script} })().finally(close);`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.project[Symbol.asyncDispose]();
  }
}

/** Makes one; `await using grpc = await makeGrpcProject(path)`. @param grpcPath Of `installGrpcJs()`. */
export async function makeGrpcProject(grpcPath: string, options: GrpcProjectOptions = {}): Promise<GrpcProject> {
  const { value = makeCanary(), rule = "" } = options;
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost(API_HOST));
  const project = await makeProject({
    files: { "upstream-ca.pem": authority.certificatePem, "cert.pem": certPem, "key.pem": keyPem },
  });
  const files = [`${project.dir}/cert.pem`, `${project.dir}/key.pem`];
  const server = new NodeServer("grpc_server.cjs", [grpcPath, ...files], { EXPECTED: value });
  const { port } = await server.event("port");
  await project.write(
    ".keyzero.toml",
    `[secrets]
API_TOKEN = { provider = "env", ref = "${SOURCE}" }
[blind]
connect = { "${API_HOST}" = "127.0.0.1:${port}" }
upstream_ca = "upstream-ca.pem"
[[blind.connections]]
allow = true
host = "${API_HOST}"
${rule}
`,
  );
  return new GrpcProject(project, server, value, grpcPath);
}
