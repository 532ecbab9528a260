/**
 * The client of every measurement, in a process of its own: does one job and prints its result as a JSON line. It finds
 * the proxy in `HTTPS_PROXY`, the credential in `BENCH_TOKEN`, and trusts `DENO_CERT`, as a child of kz would.
 */
import { HttpConnection, type ProxyAddress } from "./http_connection.ts";
import { median, percentile } from "./statistics.ts";

/** What to do. Times are in milliseconds. */
export type Job =
  /** As many requests as `connections` can make in `durationMs`. */
  | RateJob
  /** `requests` one after the other. */
  | { readonly kind: "latency"; readonly port: number; readonly requests: number }
  /** `connections` one after the other, each for one request. */
  | { readonly kind: "connect"; readonly port: number; readonly connections: number }
  | { readonly kind: "down" | "up"; readonly port: number; readonly bytes: number }
  | { readonly kind: "events"; readonly port: number; readonly count: number };

export interface RateJob {
  readonly kind: "rate";
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** How long the upstream waits before it answers. */
  readonly waitMs?: number;
  /** Another client than this one. */
  readonly client?: OtherClient;
}

/** Clients that programs use. */
export type OtherClient = "requests" | "fetch";

/** Only the fields of the job's kind are set. */
export interface JobResult {
  readonly requestsPerSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly mebibytesPerSecond?: number;
  readonly delayMs?: number;
}

/** Printed once everything is warm, before what is measured begins. */
export const WARM_LINE = "warm";
/** Long enough to read the resident set of a process between warm-up and load. */
const PAUSE_MS = 300;
const WARM_UP_REQUESTS = 300;
const BLOCK = new Uint8Array(64 * 1024).fill(0x62);

if (import.meta.main) {
  const job: Job = JSON.parse(Deno.args[0] ?? "");
  console.log(JSON.stringify(await carryOut(job)));
}

async function carryOut(job: Job): Promise<JobResult> {
  const proxy = proxyFromEnvironment();
  const open = () => HttpConnection.open(job.port, proxy);
  using first = await open();
  for (let count = 0; count < WARM_UP_REQUESTS; count++) await ask(first, requestBytes(job.port, "/reply"));
  switch (job.kind) {
    case "rate":
      return await rate(job, open);
    case "latency":
      return await latency(job, first);
    case "connect":
      return await connect(job, open);
    case "events":
      return await events(job, first);
    default:
      return await stream(job, first);
  }
}

async function pause(): Promise<void> {
  console.log(WARM_LINE);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

async function rate(job: RateJob, open: () => Promise<HttpConnection>): Promise<JobResult> {
  const bytes = requestBytes(job.port, job.waitMs === undefined ? "/reply" : `/reply?${job.waitMs}`);
  const connections: HttpConnection[] = [];
  // One by one: a handshake storm is not what is measured.
  for (let count = 0; count < job.connections; count++) connections.push(await open());
  for (let count = 0; count < WARM_UP_REQUESTS; count += job.connections) {
    await Promise.all(connections.map((connection) => ask(connection, bytes)));
  }
  await pause();
  let done = 0;
  const start = performance.now();
  const deadline = start + job.durationMs;
  await Promise.all(connections.map(async (connection) => {
    while (performance.now() < deadline) {
      await ask(connection, bytes);
      done++;
    }
  }));
  const elapsedMs = performance.now() - start;
  for (const connection of connections) connection[Symbol.dispose]();
  return { requestsPerSecond: done / elapsedMs * 1000 };
}

async function latency(job: Job & { kind: "latency" }, connection: HttpConnection): Promise<JobResult> {
  const bytes = requestBytes(job.port, "/reply");
  const times: number[] = [];
  for (let count = 0; count < job.requests; count++) {
    const start = performance.now();
    await ask(connection, bytes);
    times.push(performance.now() - start);
  }
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

async function connect(job: Job & { kind: "connect" }, open: () => Promise<HttpConnection>): Promise<JobResult> {
  const bytes = requestBytes(job.port, "/reply");
  const times: number[] = [];
  for (let count = 0; count < job.connections; count++) {
    const start = performance.now();
    using connection = await open();
    await ask(connection, bytes);
    times.push(performance.now() - start);
  }
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

async function stream(job: Job & { kind: "down" | "up" }, connection: HttpConnection): Promise<JobResult> {
  await pause();
  const start = performance.now();
  if (job.kind === "down") {
    await connection.write(requestBytes(job.port, `/down?${job.bytes}`));
    const bytes = await connection.readReply();
    if (bytes !== job.bytes) throw new Error(`Cannot measure: ${bytes} bytes arrived of ${job.bytes}`);
  } else {
    await connection.write(requestBytes(job.port, "/up", job.bytes));
    for (let left = job.bytes; left > 0; left -= BLOCK.length) await connection.write(BLOCK.subarray(0, left));
    await connection.readReply();
  }
  return { mebibytesPerSecond: job.bytes / 2 ** 20 / (performance.now() - start) * 1000 };
}

async function events(job: Job & { kind: "events" }, connection: HttpConnection): Promise<JobResult> {
  const decoder = new TextDecoder();
  const delays: number[] = [];
  let rest = "";
  await connection.write(requestBytes(job.port, `/events?${job.count}`));
  await connection.readReply((piece) => {
    const now = performance.timeOrigin + performance.now();
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n\n");
    rest = lines.pop() ?? "";
    for (const line of lines) delays.push(now - Number(line.slice("data: ".length)));
  });
  if (delays.length !== job.count) throw new Error(`Cannot measure: ${delays.length} events of ${job.count} arrived`);
  return { delayMs: median(delays), p99Ms: percentile(delays, 0.99) };
}

async function ask(connection: HttpConnection, bytes: Uint8Array): Promise<void> {
  await connection.write(bytes);
  await connection.readReply();
}

function requestBytes(port: number, target: string, contentLength?: number): Uint8Array {
  const head = [
    contentLength === undefined ? `GET ${target} HTTP/1.1` : `POST ${target} HTTP/1.1`,
    `Host: localhost:${port}`,
    `Authorization: Bearer ${Deno.env.get("BENCH_TOKEN")}`,
    "Accept: */*",
    "User-Agent: kz-bench",
    ...(contentLength === undefined ? [] : [`Content-Length: ${contentLength}`]),
  ];
  return new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n");
}

function proxyFromEnvironment(): ProxyAddress | undefined {
  const text = Deno.env.get("HTTPS_PROXY");
  if (!text) return undefined;
  const { hostname, port, username, password } = new URL(text);
  const authorization = username === ""
    ? undefined
    : `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`;
  return { hostname, port: Number(port), authorization };
}
