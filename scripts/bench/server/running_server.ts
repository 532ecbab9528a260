import { makeProject, type Project } from "../../../tests/support/project.ts";
import { kzCall, type KzVariant } from "../kz_blind.ts";
import { TextLineStream } from "../text_line_stream.ts";

/** A cold start from source compiles everything. */
const START_TIMEOUT_MS = 60_000;

/** A team server that listens, as it is run in production: its audit log is a file. */
export interface RunningServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** From its start until it listened. */
  readonly startMs: number;
  readonly auditLog: string;
}

/** What a server needs beside its bundle. */
export interface ServerFiles {
  readonly bundle: string;
  /** The value of every resource. */
  readonly token: string;
  readonly caPem: string;
}

/** The directory of a bundle. */
export function makeServerProject({ bundle, token, caPem }: ServerFiles): Promise<Project> {
  const files = { "bundle.yaml": bundle, "secrets.env": `TOKEN=${token}\n`, "upstream-ca.pem": caPem };
  return makeProject({ files });
}

/** Starts a server with a project of its own, both gone with the scope. */
export async function startServer(variant: KzVariant, files: ServerFiles): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  const project = stack.use(await makeServerProject(files));
  const server = stack.use(await startServerIn(variant, project));
  const kept = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Starts a server in a project that outlives it. */
export async function startServerIn(variant: KzVariant, project: Project): Promise<RunningServer> {
  const auditLog = `${project.dir}/audit.jsonl`;
  const args = ["server", "start", "--bundle", "bundle.yaml", "--listen", "127.0.0.1:0", "--audit", `file:${auditLog}`];
  const call = await kzCall(variant, project, args);
  const start = performance.now();
  const child = new Deno.Command(call.file, {
    args: [...call.args],
    env: { ...call.env },
    cwd: project.dir,
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const listening = Promise.withResolvers<{ port: number; startMs: number }>();
  const said: string[] = [];
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const drained = (async () => {
    for await (const line of child.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) listening.resolve({ port: Number(port), startMs: performance.now() - start });
      said.push(line);
    }
    listening.reject(new Error(`Cannot measure: the server ended\n${said.join("\n")}`));
  })();
  const { port, startMs } = await listening.promise;
  clearTimeout(timer);
  return {
    pid: child.pid,
    port,
    startMs,
    auditLog,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended by itself.
      }
      await child.status;
      await drained;
    },
  };
}
