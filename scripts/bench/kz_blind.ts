import { V8_FLAGS } from "../compile.ts";
import { denoDir, isolatedEnv, KZ_BINARY, ROOT } from "../../tests/support/kz.ts";
import { makeProject, type Project } from "../../tests/support/project.ts";
import { clientCommand, type ProgramCall, runClient, type System } from "./system.ts";

/** kz as it is started: from source, or the binary in `KZ_BINARY`. */
export type KzVariant = "source" | "binary";

export const KZ_VARIANTS: readonly KzVariant[] = KZ_BINARY === undefined ? ["source"] : ["source", "binary"];

/** How Deno runs a script as it runs kz from source: with the permissions and the memory of the executable. */
export function denoArguments(script: string): string[] {
  return ["run", "--quiet", V8_FLAGS, "-P=kz", "--no-prompt", `--config=${ROOT}deno.json`, script];
}

/** A project with secrets in a dotenv file, of which the client uses the first, and one allowed host. */
export async function makeBenchProject(
  options: { token: string; secretCount: number; port: number; caPem: string },
): Promise<Project> {
  const names = ["BENCH_TOKEN", ...Array.from({ length: options.secretCount - 1 }, (_, index) => `FILLER_${index}`)];
  const declarations = names.map((name) => `${name} = { provider = "dotenv", ref = "bench.env#${name}" }`);
  const values = names.map((name, index) => `${name}=${index === 0 ? options.token : crypto.randomUUID()}`);
  const toml = `[secrets]
${declarations.join("\n")}

[blind]
keep_env = ["DENO_NO_UPDATE_CHECK"]
connect = { "localhost" = "127.0.0.1:${options.port}" }
upstream_ca = "ca.pem"

[[blind.connections]]
allow = true
host = "localhost"
`;
  return await makeProject({ toml, files: { "bench.env": values.join("\n") + "\n", "ca.pem": options.caPem } });
}

/** A call of kz in a project. */
export async function kzCall(variant: KzVariant, project: Project, args: readonly string[]): Promise<ProgramCall> {
  const isolated = Object.entries(isolatedEnv(project.home));
  const env = Object.fromEntries(isolated.filter((entry): entry is [string, string] => entry[1] !== undefined));
  if (variant === "binary") return { file: KZ_BINARY ?? "", args, env, cwd: project.dir };
  env["DENO_DIR"] = await denoDir();
  return { file: Deno.execPath(), args: [...denoArguments(`${ROOT}cli/main.ts`), ...args], env, cwd: project.dir };
}

/** `kz run --blind` with the client as its child; the project ends with the system. */
export function kzBlind(variant: KzVariant, project: Project): System {
  return {
    name: `kz blind (${variant})`,
    measure: async (job) =>
      await runClient(await kzCall(variant, project, ["run", "--blind", "--", ...clientCommand(job)])),
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}
