import { fileURLToPath } from "node:url";
import { type Job, type JobResult, type OtherClient, WARM_LINE } from "./load_client.ts";
import { ResidentWatch } from "./resident_set.ts";
import { TextLineStream } from "./text_line_stream.ts";

/** What stands between client and upstream. */
export interface System extends AsyncDisposable {
  readonly name: string;
  /** Lets a new client do one job through it. */
  measure(job: Job): Promise<Measurement>;
}

/** A job's result, with the resident set of the process that the client was started through, in MiB. */
export interface Measurement extends JobResult {
  readonly peakMiB?: number | undefined;
  readonly growthMiB?: number | undefined;
}

/** A program, its arguments, and its whole environment. */
export interface ProgramCall {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Longer than any job takes on a slow machine; a client that hangs is an error, not a wait. */
const TIMEOUT_MS = 120_000;

const OTHER_CLIENTS: Readonly<Record<OtherClient, readonly [program: string, script: string]>> = {
  requests: ["python3", "./clients/requests_client.py"],
  fetch: ["node", "./clients/fetch_client.mjs"],
};

/** The command line of the client for one job. */
export function clientCommand(job: Job): string[] {
  if (job.kind === "rate" && job.client !== undefined) {
    const [program, script] = OTHER_CLIENTS[job.client];
    return [program, fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(job)];
  }
  const script = fileURLToPath(new URL("./load_client.ts", import.meta.url));
  return [Deno.execPath(), "run", "--quiet", "--allow-net", "--allow-env", script, JSON.stringify(job)];
}

/** Runs a program that is the client, or becomes its parent, and reads the result. */
export async function runClient(call: ProgramCall): Promise<Measurement> {
  const child = new Deno.Command(call.file, {
    args: [...call.args],
    env: { ...call.env },
    ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).spawn();
  using watch = new ResidentWatch(child.pid);
  const stderr = new Response(child.stderr).text();
  let last = "";
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    if (line === WARM_LINE) await watch.markBaseline();
    last = line;
  }
  const { code } = await child.status;
  if (code !== 0) throw new Error(`Cannot measure: the client ended with ${code}\n${await stderr}`);
  await stderr;
  const result: JobResult = JSON.parse(last);
  return { ...result, peakMiB: watch.peakMiB, growthMiB: watch.growthMiB };
}

/** The environment of a client that is not started by kz. */
export function clientEnvironment(options: { token: string; caFile: string; proxy?: string }): Record<string, string> {
  const { token, caFile, proxy } = options;
  return {
    PATH: Deno.env.get("PATH") ?? "",
    HOME: Deno.env.get("HOME") ?? "",
    BENCH_TOKEN: token,
    DENO_CERT: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    DENO_NO_UPDATE_CHECK: "1",
    ...(proxy === undefined ? {} : { HTTPS_PROXY: proxy }),
  };
}
