import { fileURLToPath } from "node:url";

/** The compiled program under test; absent: the source is run. */
export const KZ_BINARY: string | undefined = Deno.env.get("KZ_BINARY") || undefined;

/** The checkout. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Long enough for a cold start on a loaded machine, short enough that a hang is reported as one. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** What the operating system and Deno itself need; nothing else of the caller's environment reaches kz. */
const PASSED_ON = ["PATH", "SystemRoot", "SYSTEMROOT", "windir", "COMSPEC", "PATHEXT", "TZ"];

export interface KzOptions {
  /** Default: the home of this call, which has no configuration. */
  readonly cwd?: string;
  /** Added to the isolated environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text or bytes for standard input, which is then closed; absent: standard input is empty. */
  readonly stdin?: string | Uint8Array;
  /** Milliseconds until kz is killed and the call throws. */
  readonly timeoutMs?: number;
  /** A home to use instead of one that lives for this call only; see {@linkcode makeHome}. */
  readonly home?: string;
}

export interface KzResult {
  /** Exit status; 128 + n if kz itself was ended by a signal. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program and its environment, ready for `new Deno.Command(file, { args, env, clearEnv: true })`. */
export interface KzCommand {
  readonly file: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

/**
 * How to start kz: the binary in `KZ_BINARY`, else the source under the permission set `kz`.
 *
 * @param home See {@linkcode makeHome}.
 */
export async function kzCommand(
  args: readonly string[],
  home: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<KzCommand> {
  const all: Record<string, string | undefined> = { ...isolatedEnv(home), ...env };
  if (KZ_BINARY !== undefined) return { file: KZ_BINARY, args: [...args], env: withoutAbsent(all) };
  all["DENO_DIR"] ??= await ownDenoDir(home);
  const run = ["run", "--quiet", "-P=kz", "--no-prompt", `--config=${ROOT}deno.json`];
  return { file: Deno.execPath(), args: [...run, `${ROOT}cli/main.ts`, ...args], env: withoutAbsent(all) };
}

/** Runs kz to its end, in an isolated home, and returns what it wrote. */
export async function kz(args: readonly string[], options: KzOptions = {}): Promise<KzResult> {
  const own = options.home === undefined ? await makeHome() : undefined;
  const home = options.home ?? own!;
  try {
    const command = await kzCommand(args, home, options.env);
    const child = new Deno.Command(command.file, {
      args: command.args,
      cwd: options.cwd ?? home,
      env: command.env,
      clearEnv: true,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return await finish(child, options);
  } finally {
    if (own !== undefined) await Deno.remove(own, { recursive: true });
  }
}

async function finish(child: Deno.ChildProcess, options: KzOptions): Promise<KzResult> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  try {
    const [, output] = await Promise.all([feed(child, options.stdin), child.output()]);
    const [stdout, stderr] = [text(output.stdout), text(output.stderr)];
    if (timedOut) throw new Error(`kz did not end within ${timeoutMs} ms.\nstdout: ${stdout}\nstderr: ${stderr}`);
    return { status: output.code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

async function feed(child: Deno.ChildProcess, stdin: KzOptions["stdin"]): Promise<void> {
  if (stdin === undefined) return;
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A program that does not read its input ends before all is written.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/**
 * Makes an empty home with the directories of the XDG specification, readable by its owner only.
 *
 * @returns Its path. The caller removes it.
 */
export async function makeHome(): Promise<string> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "kz-home-" }));
  for (const name of [".config", ".local", ".local/share", ".local/state", ".cache", "run", "tmp"]) {
    await Deno.mkdir(`${home}/${name}`, { mode: 0o700 });
  }
  return home;
}

/** The environment that kz gets: a home of its own, no session bus, no proxy, no certificates of the caller. */
export function isolatedEnv(home: string): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {};
  for (const name of PASSED_ON) env[name] = Deno.env.get(name);
  return {
    ...env,
    HOME: home,
    USERPROFILE: home,
    APPDATA: `${home}/.config`,
    LOCALAPPDATA: `${home}/.local/share`,
    XDG_CONFIG_HOME: `${home}/.config`,
    XDG_DATA_HOME: `${home}/.local/share`,
    XDG_STATE_HOME: `${home}/.local/state`,
    XDG_CACHE_HOME: `${home}/.cache`,
    XDG_RUNTIME_DIR: `${home}/run`,
    TMPDIR: `${home}/tmp`,
    TEMP: `${home}/tmp`,
    TMP: `${home}/tmp`,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    // Deno's own look for a newer version would write to standard error.
    DENO_NO_UPDATE_CHECK: "1",
  };
}

/**
 * A directory of Deno's own for each home, which shares packages and compiled sources with the usual one. Its databases are
 * not shared: Deno empties those that it cannot write, as in a test that lets a disk be full.
 */
async function ownDenoDir(home: string): Promise<string> {
  const shared = await denoDir();
  if (Deno.build.os === "windows") return shared;
  const own = `${home}/.cache/deno`;
  await Deno.mkdir(own, { recursive: true });
  for (const name of ["npm", "gen"]) {
    try {
      await Deno.symlink(`${shared}/${name}`, `${own}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  return own;
}

let knownDenoDir: string | undefined;

/** Where Deno keeps packages, so that an isolated home does not fetch them again. */
export async function denoDir(): Promise<string> {
  if (knownDenoDir !== undefined) return knownDenoDir;
  const output = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" }).output();
  const info: unknown = JSON.parse(text(output.stdout));
  if (typeof info !== "object" || info === null || !("denoDir" in info) || typeof info.denoDir !== "string") {
    throw new TypeError("Cannot read output of deno info: no denoDir");
  }
  return knownDenoDir = info.denoDir;
}

function withoutAbsent(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
