import { kzCommand } from "./kz.ts";
import { makeProject, type Project, type ProjectOptions } from "./project.ts";

/** A cold start from source compiles everything. */
const START_TIMEOUT_MS = 60_000;

export interface TeamServerOptions extends Omit<ProjectOptions, "toml"> {
  /** Text of `bundle.yaml`. */
  readonly bundle: string;
  /** After `kz server start --bundle bundle.yaml --audit file:audit.jsonl`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running `kz server start` in a project of its own, both gone with the scope. */
export class TeamServer implements AsyncDisposable {
  readonly project: Project;
  readonly #isProjectKept: boolean;
  readonly #child: Deno.ChildProcess;
  #stderr = "";
  readonly #drained: Promise<void>;
  #onOutput: () => void = () => {};

  constructor(project: Project, child: Deno.ChildProcess, options: { isProjectKept: boolean }) {
    this.project = project;
    this.#isProjectKept = options.isProjectKept;
    this.#child = child;
    this.#drained = this.#drain();
  }

  async #drain(): Promise<void> {
    for await (const piece of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += piece;
      this.#onOutput();
    }
    this.#onOutput();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it has written to standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#child.stdout;
  }

  /** Waits for a line on standard error, also one that has come already. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.#onOutput();
    }, START_TIMEOUT_MS);
    let ended = false;
    void this.#child.status.then(() => {
      ended = true;
      this.#onOutput();
    });
    try {
      for (;;) {
        const match = pattern.exec(this.#stderr);
        if (match !== null) return match;
        if (ended || timedOut) {
          throw new Error(`kz server ${ended ? "ended" : "did not say it in time"}.\nstderr: ${this.#stderr}`);
        }
        await new Promise<void>((resolve) => this.#onOutput = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** `http://127.0.0.1:port` of the HTTP API. */
  async url(): Promise<string> {
    return (await this.line(/listening on (https?:\/\/[^\s,]+)/))[1]!;
  }

  /** Of the proxy, without credentials. */
  async proxyUrl(): Promise<string> {
    return (await this.line(/proxy at (http:\/\/\S+)/))[1]!;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The audit log so far, a parsed line each. */
  async audit(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const text = await Deno.readTextFile(`${this.project.dir}/audit.jsonl`);
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Waits until it has ended by itself. @returns Its exit status. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#drained;
    return code;
  }

  /** Asks it to end, and waits until it has. @returns Its exit status. */
  async stop(): Promise<number> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // A client may have taken them.
    if (!this.#child.stdin.locked) await this.#child.stdin.close().catch(() => {});
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel().catch(() => {});
    if (!this.#isProjectKept) await this.project[Symbol.asyncDispose]();
  }
}

/** Starts one; `await using server = await startTeamServer({ bundle, args: ["--listen", "127.0.0.1:0"] })`. */
export async function startTeamServer(options: TeamServerOptions): Promise<TeamServer> {
  const { bundle, files = {} } = options;
  const project = await makeProject({ files: { ...files, "bundle.yaml": bundle } });
  return new TeamServer(project, await start(project, options), { isProjectKept: false });
}

/** Starts one in a project that has its `bundle.yaml`, for example once more, and leaves the project there. */
export async function startTeamServerIn(
  project: Project,
  options: Pick<TeamServerOptions, "args" | "env">,
): Promise<TeamServer> {
  return new TeamServer(project, await start(project, options), { isProjectKept: true });
}

async function start(
  project: Project,
  { args = [], env = {} }: Pick<TeamServerOptions, "args" | "env">,
): Promise<Deno.ChildProcess> {
  const all = ["server", "start", "--bundle", "bundle.yaml", "--audit", "file:audit.jsonl", ...args];
  const command = await kzCommand(all, project.home, env);
  return new Deno.Command(command.file, {
    args: command.args,
    cwd: project.dir,
    env: command.env,
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
