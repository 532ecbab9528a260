import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { API_HOST, SOURCE } from "./blind_project.ts";
import type { KzOptions, KzResult } from "./kz.ts";
import { makeCanary, makeProject, type Project } from "./project.ts";

/** How long what must come may take. */
const WAIT_MS = 10_000;

/** A line of `ws_server.cjs`. */
export type ServerEvent = Readonly<Record<string, unknown>>;

/** A project with one secret, `API_TOKEN`, and one host, {@linkcode API_HOST}, which is npm's `ws` in Node. */
export class WsProject implements AsyncDisposable {
  readonly project: Project;
  readonly value: string = makeCanary();
  /** What came to the server. */
  readonly events: ServerEvent[] = [];
  /** Where `ws` is, for `require()`. */
  readonly wsPath: string;
  readonly #server: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(project: Project, wsPath: string, server: Deno.ChildProcess) {
    this.project = project;
    this.wsPath = wsPath;
    this.#server = server;
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const part of this.#server.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.events.push(JSON.parse(line));
    }
  }

  /** Waits for an event that has `key`. */
  async event(key: string): Promise<ServerEvent> {
    const end = performance.now() + WAIT_MS;
    for (;;) {
      const found = this.events.find((event) => Object.hasOwn(event, key));
      if (found !== undefined) return found;
      assert.ok(performance.now() < end, `no "${key}" came`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** `kz run --blind -- …command`. */
  blind(command: readonly string[], options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return this.project.kz(["run", "--blind", "--", ...command], {
      ...options,
      env: { [SOURCE]: this.value, ...options.env },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.status;
    await this.#reading;
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
  const script = new URL("ws_server.cjs", import.meta.url).pathname;
  const server = new Deno.Command("node", {
    args: [script, wsPath, `${project.dir}/cert.pem`, `${project.dir}/key.pem`],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
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
