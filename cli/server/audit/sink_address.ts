import { AppError } from "../../../policy/error.ts";
import { isAbsolute, resolve } from "node:path";

/** Where the audit log goes. */
export type SinkAddress =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdout" }
  /** The URL that lines are posted to, path and all. */
  | { readonly kind: "otlp"; readonly url: string };

/** OTLP/HTTP §Default Port, and what a path is appended with. */
const OTLP_PORT = "4318";
const OTLP_PATH = "/v1/logs";

/**
 * Reads where the audit log goes: `file:PATH`, `stdout` or `otlp:URL`.
 *
 * @param text For `otlp:`, the base URL of a collector, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it, or one that ends in
 * `/v1/logs`. Plain http is for this machine, unless `insecureHttp` is set.
 * @throws {AppError} `AUDIT_SINK_INVALID`; the message never holds `text`.
 */
export function parseSink(text: string, { cwd, insecureHttp = false }: SinkContext): SinkAddress {
  if (text === "stdout") return { kind: "stdout" };
  const [, kind, rest = ""] = /^(file|otlp):(.+)$/.exec(text) ?? [];
  if (kind === "file" && !rest.includes("\0") && !/[/\\]$/.test(rest)) {
    return { kind: "file", path: isAbsolute(rest) ? rest : resolve(cwd, rest) };
  }
  if (kind === "otlp") return parseOtlp(rest, insecureHttp);
  throw invalid("file:PATH, stdout or otlp:URL is expected");
}

/** @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */
function parseOtlp(text: string, insecureHttp: boolean): SinkAddress {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw invalid("the URL after otlp: is not an http or https URL");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalid("the URL after otlp: has user information, a query or a fragment");
  }
  if (url.protocol === "http:" && !insecureHttp && !isLoopback(url.hostname)) {
    throw invalid("the URL after otlp: is plain http to another machine");
  }
  // A URL without a port means that of OTLP; `:443` and `:80` are dropped by URL parsing, and are looked for in the text.
  if (url.port === "" && !/^https?:\/\/(?:\[[^\]]*\]|[^/:]*):\d/i.test(text)) url.port = OTLP_PORT;
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith(OTLP_PATH) ? path : path + OTLP_PATH;
  return { kind: "otlp", url: url.href };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalid(state: string): AppError {
  return new AppError("AUDIT_SINK_INVALID", `Cannot read where the audit log goes: ${state}`, {
    hints: ['Write for example "file:/var/log/keyzero/audit.log", "stdout" or "otlp:https://collector.internal:4318"'],
  });
}

/** As {@linkcode parseSink} reads it. */
export function sinkText(sink: SinkAddress): string {
  switch (sink.kind) {
    case "file":
      return `file:${sink.path}`;
    case "stdout":
      return "stdout";
    case "otlp":
      return `otlp:${sink.url}`;
  }
}

/** What a sink is read by. */
export interface SinkContext {
  /** Relative paths begin here. */
  readonly cwd: string;
  /** Plain http to other machines is allowed. */
  readonly insecureHttp?: boolean;
}

/** The host and port that the audit worker may reach, as Deno's `net` permission writes them. */
export function sinkNet(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}
