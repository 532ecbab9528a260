import { resolve } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { systemState } from "../config/system_error.ts";
import { parseSink } from "../server/audit/sink_address.ts";
import { defaultSink } from "../server/supervisor/default_sink.ts";
import type { FrontListen } from "../server/front/protocol.ts";
import {
  isLoopback,
  isUnspecified,
  type ListenAddress,
  parseListenAddress,
} from "../server/supervisor/listen_address.ts";
import { runServer } from "../server/supervisor/run_server.ts";
import type { ServerOptions } from "../server/supervisor/server_options.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** Where the HTTP API is if nothing is said. */
const DEFAULT_LISTEN = "127.0.0.1:7070";

/** `kz server start`: serves until it is told to end. */
export async function serverStartCommand(args: Arguments, around: Surroundings): Promise<number> {
  const options = await readOptions(args, around);
  await runServer(options, { around, say: (line) => writeStderr(`${line}\n`) });
  return 0;
}

async function readOptions(args: Arguments, around: Surroundings): Promise<ServerOptions> {
  const bundle = args.value("bundle");
  if (bundle === undefined) throw usage("--bundle is missing", "Write: kz server start --bundle bundle.yaml");
  const path = (text: string) => resolve(around.cwd, text);
  const mcp = args.has("mcp");
  const listen = await readListen(args, { mcp, path });
  const proxyText = args.value("proxy");
  const proxy = proxyText === undefined ? undefined : parseListenAddress(proxyText, "--proxy");
  if (proxy !== undefined) refuseClearText(proxy, args, "--proxy");
  const proxyUrl = readProxyUrl(args, proxy);
  const audit = args.value("audit");
  const jwtFile = args.value("jwt-file");
  if (jwtFile !== undefined) await warnIfAbsent(path(jwtFile));
  if (audit === "stdout" && listen === undefined) {
    throw usage("standard output speaks MCP", "Send the audit log elsewhere, for example --audit file:audit.jsonl");
  }
  return {
    bundle: path(bundle),
    listen,
    mcp,
    allowedHosts: args.list("allowed-host") ?? [],
    proxy,
    proxyUrl,
    audit: audit === undefined
      ? await defaultSink(around)
      : parseSink(audit, { cwd: around.cwd, insecureHttp: args.has("insecure-http") }),
    jwtFile: jwtFile === undefined ? undefined : path(jwtFile),
  };
}

async function readListen(
  args: Arguments,
  { mcp, path }: { mcp: boolean; path: (text: string) => string },
): Promise<FrontListen | undefined> {
  const text = args.value("listen");
  const [cert, key] = [args.value("tls-cert"), args.value("tls-key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw usage("--tls-cert and --tls-key belong together", "Give both, or neither");
  }
  if (mcp && text === undefined) {
    if (cert !== undefined) throw usage("--tls-cert needs --listen", "Add --listen, or leave the certificate out");
    return undefined;
  }
  const address = parseListenAddress(text ?? DEFAULT_LISTEN, "--listen");
  if (cert === undefined || key === undefined) {
    refuseClearText(address, args, "--listen");
    return { ...address, tls: undefined };
  }
  return {
    ...address,
    tls: { cert: await readPem(path(cert), "--tls-cert"), key: await readPem(path(key), "--tls-key") },
  };
}

/** JWTs and values do not cross a network in the clear unless the operator says so. */
function refuseClearText(address: ListenAddress, args: Arguments, option: string): void {
  if (isLoopback(address) || args.has("insecure-http")) return;
  throw new AppError("SERVER_LISTEN_INSECURE", `Cannot listen: ${option} is reached from other machines without TLS`, {
    hints: [
      option === "--listen" ? "Add --tls-cert and --tls-key" : "Listen on a loopback address",
      "Or add --insecure-http where something in front of it does TLS",
    ],
  });
}

function readProxyUrl(args: Arguments, proxy: ListenAddress | undefined): string | undefined {
  const text = args.value("proxy-url");
  if (text === undefined) {
    if (proxy === undefined || !isUnspecified(proxy)) return undefined;
    throw usage("--proxy-url is missing", "Say how callers reach the proxy, for example http://proxy.internal:9080");
  }
  const url = URL.parse(text);
  const isPlain = url?.protocol === "http:" && url.username === "" && url.password === "" && url.search === "" &&
    url.pathname === "/" && url.hash === "";
  if (proxy === undefined || url === null || !isPlain) {
    throw usage(
      proxy === undefined ? "--proxy-url needs --proxy" : "--proxy-url is not http://host:port",
      "Write for example --proxy 0.0.0.0:9080 --proxy-url http://proxy.internal:9080",
    );
  }
  return url.href.replace(/\/$/, "");
}

/** It is read for each call, and may come later: a workload identity is put there by others. */
async function warnIfAbsent(path: string): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (error) {
    writeStderr(`warning: the file of --jwt-file cannot be read now: ${systemState(error)}\n`);
  }
}

async function readPem(path: string, option: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new AppError("SERVER_TLS_INVALID", `Cannot read the file of ${option}: ${systemState(error)}`);
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new AppError("SERVER_TLS_INVALID", `Cannot read the file of ${option}: it is not PEM`);
}

function usage(state: string, hint: string): AppError {
  return new AppError("USAGE_INVALID", `Cannot run "kz server start": ${state}`, { hints: [hint] });
}
