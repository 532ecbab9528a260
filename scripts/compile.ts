/**
 * Builds `kz` as one executable per target: `deno task compile [--target linux-x64]… [--deno PATH] [--output DIR]`.
 *
 * The sources are bundled first and the bundle is compiled: a compiled program otherwise resolves each npm package
 * again at every start, which doubles the time of an empty `kz` (see ARCHITECTURE.md, "Start-up").
 *
 * `--deno` names the Deno that compiles, where that is not the one that runs this script: command line and base runtime
 * (`DENORT_BIN`) must be of versions that fit each other. Bundling is always done by the Deno that runs this script.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };

/** Our names of the targets, and Deno's. */
const TARGETS: ReadonlyMap<string, string> = new Map([
  ["linux-x64", "x86_64-unknown-linux-gnu"],
  ["linux-arm64", "aarch64-unknown-linux-gnu"],
  ["macos-x64", "x86_64-apple-darwin"],
  ["macos-arm64", "aarch64-apple-darwin"],
  ["windows-x64", "x86_64-pc-windows-msvc"],
]);

/** A small young generation: a busy proxy stays a fifth smaller in memory and is as fast. */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=2";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const MAIN = "cli/main.ts";
const LAYERS = ["policy", "providers", "proxy", "cli"];

/** A program that was started ended badly, after it said why. */
class StepFailed extends Error {
  override readonly name = "StepFailed";
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`error: ${error.message}`);
    console.error("hint: Where Deno cannot download its base runtime, set DENORT_BIN; see CONTRIBUTING.md");
    Deno.exitCode = 1;
  }
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", multiple: true },
      deno: { type: "string" },
      output: { type: "string", default: `${ROOT}dist` },
    },
  });
  const targets = values.target ?? [...TARGETS.keys()];
  const unknown = targets.find((target) => !TARGETS.has(target));
  if (unknown !== undefined) {
    console.error(`error: Cannot compile for "${unknown}": the targets are ${[...TARGETS.keys()].join(", ")}`);
    return 2;
  }
  if (Deno.env.has("DENORT_BIN") && targets.length > 1) {
    console.error(
      "error: Cannot compile for more than one target: DENORT_BIN is a runtime for one, name it by --target",
    );
    return 2;
  }
  const output = values.output;
  await Deno.mkdir(output, { recursive: true });
  const bundled = `${output}/bundle`;
  await Deno.remove(bundled, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await bundle(bundled);
  for (const target of targets) {
    const file = `${output}/kz-${target}${target.startsWith("windows") ? ".exe" : ""}`;
    await compile(values.deno ?? Deno.execPath(), bundled, target, file);
    console.error(`${file} ${((await Deno.stat(file)).size / 1e6).toFixed(0)} MB`);
  }
  await writeChecksums(output);
  return 0;
}

/** Bundles the program and every worker into `outdir`, with the layout of the sources. */
export async function bundle(outdir: string): Promise<void> {
  const workers = await findWorkers();
  await run(Deno.execPath(), [
    ...["bundle", "--quiet", "--frozen", "--no-check", "--platform", "deno", "--code-splitting"],
    ...["--outdir", outdir, MAIN, ...workers],
  ]);
  for await (const path of filesBelow(outdir)) {
    if (!path.endsWith(".js")) continue;
    const source = await Deno.readTextFile(`${outdir}/${path}`);
    await Deno.writeTextFile(`${outdir}/${path}`, relocateUrls(source, path, workers));
  }
}

/**
 * Points each `new URL("./…", import.meta.url)` of a bundled file at the bundled worker: the bundler renames the
 * worker and moves the code around the call into a chunk, and knows of neither.
 *
 * @param path The file, relative to the bundle.
 * @param workers The entries, relative to the checkout; the bundle has the same layout with `.js`.
 * @throws {Error} if a URL names no worker, or two, or a call was written in a form that is not recognised.
 */
export function relocateUrls(source: string, path: string, workers: readonly string[]): string {
  const depth = path.split("/").length - 1;
  const toTop = depth === 0 ? "./" : "../".repeat(depth);
  const relocated = source.replaceAll(
    /new URL\(\s*"(?:\.{1,2}\/)+([^"]+)",\s*import\.meta\.url\s*\)/g,
    (_, name: string) => {
      const found = workers.filter((worker) => worker === name || worker.endsWith(`/${name}`));
      if (found.length !== 1) {
        throw new Error(`Cannot relocate "${name}" in ${path}: ${found.length} entries have that name`);
      }
      return `new URL("${toTop}${found[0]!.replace(/\.ts$/, ".js")}", import.meta.url)`;
    },
  );
  const left = /["'`][^"'`\n]*_worker\.ts["'`]/.exec(relocated)?.[0];
  if (left !== undefined) throw new Error(`Cannot relocate ${left} in ${path}: write new URL("…", import.meta.url)`);
  return relocated;
}

async function compile(deno: string, bundled: string, target: string, file: string): Promise<void> {
  const permissions = Object.entries(config.permissions.kz).map(([name, value]) => {
    if (value !== true) throw new TypeError(`Cannot compile: permission "${name}" of the set "kz" is not true`);
    return `--allow-${name}`;
  });
  const unstable = config.unstable.map((name) => `--unstable-${name}`);
  await run(deno, [
    ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt"],
    V8_FLAGS,
    ...permissions,
    ...unstable,
    ...["--target", TARGETS.get(target)!, "--include", bundled, "--output", file],
    `${bundled}/${MAIN.replace(/\.ts$/, ".js")}`,
  ]);
}

/** A worker is a file named for it; workers are opened by URL, so that the bundler does not see them. */
async function findWorkers(): Promise<string[]> {
  const found: string[] = [];
  for (const layer of LAYERS) {
    for await (const path of filesBelow(ROOT + layer)) {
      if (path.endsWith("_worker.ts") && !/(?:^|\/)(?:testdata|testing)\//.test(path)) found.push(`${layer}/${path}`);
    }
  }
  return found.sort();
}

async function* filesBelow(folder: string, prefix = ""): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* filesBelow(`${folder}/${entry.name}`, `${prefix}${entry.name}/`);
    else yield prefix + entry.name;
  }
}

/** Writes `SHA256SUMS` in the form that `sha256sum --check` reads. */
async function writeChecksums(folder: string): Promise<void> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.startsWith("kz-")) names.push(entry.name);
  }
  const lines: string[] = [];
  for (const name of names.sort()) {
    using file = await Deno.open(`${folder}/${name}`);
    const hash = createHash("sha256");
    for await (const chunk of file.readable) hash.update(Buffer.from(chunk));
    lines.push(`${hash.digest("hex")}  ${name}\n`);
  }
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, lines.join(""));
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, code } = await new Deno.Command(program, { args, cwd: ROOT, stdout: "inherit", stderr: "inherit" })
    .spawn().status;
  if (!success) throw new StepFailed(`Cannot compile: deno ${args[0]} ended with status ${code}`);
}
