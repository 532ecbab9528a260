import { parseHost } from "../../policy/host.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { API_HOST, SOURCE } from "./blind_project.ts";
import type { KzOptions, KzResult } from "./kz.ts";
import { NodeServer, type ServerEvent } from "./node_server.ts";
import { makeCanary, makeProject, type Project } from "./project.ts";

/** A project with one secret, `API_TOKEN`, and one host, {@linkcode API_HOST}, which is npm's `ws` in Node. */
export class WsProject implements AsyncDisposable {
  readonly project: Project;
  readonly value: string = makeCanary();
  /** Where `ws` is, for `require()`. */
  readonly wsPath: string;
  readonly #server: NodeServer;

  constructor(project: Project, wsPath: string, server: NodeServer) {
    this.project = project;
    this.wsPath = wsPath;
    this.#server = server;
  }

  /** What came to the server. */
  get events(): readonly ServerEvent[] {
    return this.#server.events;
  }

  /** Waits for an event that has `key`. */
  event(key: string): Promise<ServerEvent> {
    return this.#server.event(key);
  }

  /** `kz run --blind -- …command`. */
  blind(command: readonly string[], options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.project.kz(["run", "--blind", "--", ...command], {
      ...options,
      env: { [SOURCE]: this.value, ...options.env },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.project[Symbol.asyncDispose]();
  }
}

/** Makes one; `await using socket = await makeWsProject()`. @param fields Of the secret, after provider and reference. */
export async function makeWsProject(fields = ""): Promise<WsProject> {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost(API_HOST));
  const project = await makeProject({
    files: { "upstream-ca.pem": authority.certificatePem, "cert.pem": certPem, "key.pem": keyPem },
  });
  const wsPath = await packagePath("ws");
  const server = new NodeServer("ws_server.cjs", [wsPath, `${project.dir}/cert.pem`, `${project.dir}/key.pem`]);
  const made = new WsProject(project, wsPath, server);
  const { port } = await made.event("port");
  await project.write(
    ".keyzero.toml",
    `[secrets]
API_TOKEN = { provider = "env", ref = "${SOURCE}"${fields === "" ? "" : `, ${fields}`} }
[blind]
connect = { "${API_HOST}" = "127.0.0.1:${port}" }
upstream_ca = "upstream-ca.pem"
[[blind.connections]]
allow = true
host = "${API_HOST}"
`,
  );
  return made;
}

/** Where Deno keeps a package that `deno.json` names; Node can load it from there. */
async function packagePath(name: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", import.meta.resolve(name)],
    cwd: new URL(".", import.meta.url),
  }).output();
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout));
  for (const found of Object.values<{ name: string; localPath: string }>(npmPackages)) {
    if (found.name === name) return found.localPath;
  }
  throw new Error(`Cannot find package "${name}": it is not installed`);
}
