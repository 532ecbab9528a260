import { Buffer } from "node:buffer";
import { type KzCommand, kzCommand } from "../../tests/support/kz.ts";
import { makeProject, type Project } from "../../tests/support/project.ts";

/** The secrets of one demo: random, worth nothing, and found nowhere else. */
export interface DemoSecrets {
  readonly GITHUB_PERSONAL_ACCESS_TOKEN: string;
  readonly DB_PASSWORD: string;
}

export function makeSecrets(): DemoSecrets {
  const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
  return { GITHUB_PERSONAL_ACCESS_TOKEN: `ghp_${random(18)}`, DB_PASSWORD: random(12) };
}

/** `${DB_PASSWORD}` in the text is kz's own syntax for a composed secret. */
function configuration(port: number): string {
  return `[secrets]
GITHUB_PERSONAL_ACCESS_TOKEN = { provider = "store", ref = "github-pat", hosts = ["api.github.com"] }
DB_PASSWORD  = { provider = "store", ref = "db-password", expose = false }
DATABASE_URL = "postgres://admin:\${DB_PASSWORD}@prod-db:5432/app"

[blind]
connect = { "api.github.com" = "127.0.0.1:${port}" }
upstream_ca = "upstream-ca.pem"

[[blind.connections]]
allow = true
host = "api.github.com"
`;
}

/** A project with a configuration, and its secrets in kz's encrypted store. */
export interface Stage extends AsyncDisposable {
  readonly dir: string;
  /** How to start `program` under `kz run --blind`. */
  blind(program: readonly string[]): Promise<KzCommand>;
  /** The configuration without its comments and the parts that only serve the demo. */
  readonly configuration: string;
}

/**
 * Sets the stage: a temporary project and home.
 *
 * @param upstream `port` on loopback plays `api.github.com`; `caPem` is what kz trusts it by.
 */
export async function setStage(secrets: DemoSecrets, upstream: { port: number; caPem: string }): Promise<Stage> {
  const toml = configuration(upstream.port);
  const project = await makeProject({ toml, files: { "upstream-ca.pem": upstream.caPem } });
  try {
    for (const [name, value] of Object.entries(secrets)) await put(project, name, value);
  } catch (error) {
    await project[Symbol.asyncDispose]();
    throw error;
  }
  return {
    dir: project.dir,
    configuration: toml,
    blind: (program) => kzCommand(["run", "--blind", "--", ...program], project.home),
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

async function put(project: Project, name: string, value: string): Promise<void> {
  const { status, stderr } = await project.kz(["put", name, "--stdin"], { stdin: value });
  if (status !== 0) throw new Error(`Cannot put ${name} into the store: kz ended with ${status}\n${stderr}`);
}
