/**
 * The client of every measurement of the server, in a process of its own: does one job, and prints its result as a JSON
 * line. Every answer is looked at: a server that refuses cannot look fast.
 */
import { HttpConnection } from "../http_connection.ts";
import { percentile } from "../statistics.ts";
import { benchRef } from "./bench_bundle.ts";

interface Common {
  readonly port: number;
  /** JSON: JWTs that are taken in turn. */
  readonly jwtFile: string;
}

/** What to do. Times are in milliseconds. */
export type ServerJob =
  & Common
  & (
    /** As many requests as `connections` can make, each for `batch` refs; every JWT once only if `distinct`. */
    | {
      readonly kind: "resolve";
      readonly connections: number;
      readonly batch: number;
      readonly durationMs: number;
      readonly distinct: boolean;
    }
    /** `requests` for one ref, one after the other. */
    | { readonly kind: "resolve-latency"; readonly requests: number }
    /** `concurrent` fetches at once, as often as `waves` says; each brings `bytes`. */
    | { readonly kind: "fetch"; readonly concurrent: number; readonly waves: number; readonly bytes: number }
    /** `requests` fetches, one after the other. */
    | { readonly kind: "fetch-latency"; readonly requests: number }
  );

/** Only the fields of the job's kind are set. */
export interface ServerJobResult {
  readonly requestsPerSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** How many were not answered: the server had too much to do. */
  readonly refused?: number;
}

const WARM_UP_REQUESTS = 300;
/** A server runs for days: what is measured is compiled by then. */
const RATE_WARM_UP_REQUESTS = 4000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

if (import.meta.main) {
  const job: ServerJob = JSON.parse(Deno.args[0] ?? "");
  const jwts: string[] = JSON.parse(await Deno.readTextFile(job.jwtFile));
  console.log(JSON.stringify(await carryOut(job, jwts)));
}

async function carryOut(job: ServerJob, jwts: readonly string[]): Promise<ServerJobResult> {
  switch (job.kind) {
    case "resolve":
      return await resolveRate(job, jwts);
    case "resolve-latency": {
      using connection = await HttpConnection.openPlain(job.port);
      const ready = jwts.map((jwt) => resolveRequest(job.port, jwt, [benchRef(0)]));
      return await latency(job.requests, (count) => ask(connection, ready[count % ready.length]!, isAllowed));
    }
    case "fetch":
      return await fetches(job, jwts);
    case "fetch-latency": {
      using connection = await HttpConnection.openPlain(job.port);
      const bytes = fetchRequest(job.port, jwts[0]!, "/reply");
      return await latency(job.requests, () => ask(connection, bytes, isFetched));
    }
  }
}

async function resolveRate(
  { port, connections: count, batch, durationMs, distinct }: ServerJob & { kind: "resolve" },
  jwts: readonly string[],
): Promise<ServerJobResult> {
  let next = 0;
  const request = () => {
    const refs = Array.from({ length: batch }, (_, index) => benchRef(next * batch + index));
    return resolveRequest(port, jwts[next++ % jwts.length]!, refs);
  };
  // Ready bytes, of every caller in turn.
  const ready = distinct ? [] : Array.from({ length: Math.max(jwts.length, 64) }, request);
  const take = () => distinct ? request() : ready[next++ % ready.length]!;
  await using stack = new AsyncDisposableStack();
  const connections: HttpConnection[] = [];
  for (let open = 0; open < count; open++) connections.push(stack.use(await HttpConnection.openPlain(port)));
  if (!distinct) {
    let warm = 0;
    await Promise.all(connections.map(async (connection) => {
      while (warm++ < RATE_WARM_UP_REQUESTS / batch) await ask(connection, take(), isAllowed);
    }));
  }
  next = 0;
  let done = 0;
  const start = performance.now();
  const goesOn = () => performance.now() - start < durationMs && (!distinct || next < jwts.length);
  await Promise.all(connections.map(async (connection) => {
    while (goesOn()) {
      await ask(connection, take(), isAllowed);
      done++;
    }
  }));
  return { requestsPerSecond: done / (performance.now() - start) * 1000 };
}

/** @param work Is told how many came before. */
async function latency(requests: number, work: (count: number) => Promise<void>): Promise<ServerJobResult> {
  for (let count = 0; count < Math.min(WARM_UP_REQUESTS, requests); count++) await work(count);
  const times: number[] = [];
  for (let count = 0; count < requests; count++) {
    const start = performance.now();
    await work(count);
    times.push(performance.now() - start);
  }
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

/** Connections are there before: what is measured is the fetches. */
async function fetches(
  { port, concurrent, waves, bytes }: ServerJob & { kind: "fetch" },
  jwts: readonly string[],
): Promise<ServerJobResult> {
  const path = `/down?${bytes}`;
  await using stack = new AsyncDisposableStack();
  const connections: HttpConnection[] = [];
  for (let open = 0; open < concurrent; open++) connections.push(stack.use(await HttpConnection.openPlain(port)));
  const times: number[] = [];
  let refused = 0;
  const start = performance.now();
  for (let wave = 0; wave < waves; wave++) {
    await Promise.all(connections.map(async (connection, index) => {
      const begin = performance.now();
      await connection.write(fetchRequest(port, jwts[index % jwts.length]!, path));
      await connection.readReply(undefined, { takes: 503 });
      if (connection.lastStatus === 200) times.push(performance.now() - begin);
      else refused++;
    }));
  }
  return {
    refused,
    requestsPerSecond: times.length / (performance.now() - start) * 1000,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
}

function isAllowed(text: string): boolean {
  return text.includes('"allowed":true') && !text.includes('"allowed":false');
}

function isFetched(text: string): boolean {
  return text.startsWith('{"status":200,');
}

/** @param isRight Of the beginning of the reply's body. */
async function ask(connection: HttpConnection, bytes: Uint8Array, isRight: (text: string) => boolean): Promise<void> {
  await connection.write(bytes);
  let first: string | undefined;
  await connection.readReply((piece) => first ??= decoder.decode(piece.subarray(0, 32 * 1024)));
  if (!isRight(first ?? "")) throw new Error(`Cannot measure: the server answered ${(first ?? "").slice(0, 200)}`);
}

function resolveRequest(port: number, jwt: string, refs: readonly string[]): Uint8Array {
  const [ref] = refs;
  return post(port, { jwt, path: "/v1/resolve", body: JSON.stringify(refs.length === 1 ? { ref } : { refs }) });
}

function fetchRequest(port: number, jwt: string, path: string): Uint8Array {
  const body = JSON.stringify({ resource: benchRef(0), url: `https://localhost${path}` });
  return post(port, { jwt, path: "/v1/fetch", body });
}

function post(port: number, { jwt, path, body }: { jwt: string; path: string; body: string }): Uint8Array {
  return encoder.encode(
    [
      `POST ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Authorization: Bearer ${jwt}`,
      "Content-Type: application/json",
      "User-Agent: kz-bench",
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
}
