import { dirname } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { Surroundings } from "../../config/config_files.ts";
import { RefusalLog } from "../../blind/refusal_log.ts";
import { errorText, reportErrors } from "../../terminal/report_error.ts";
import { deriveAuditKey } from "../audit/audit_key.ts";
import { AuditProcess } from "../audit/audit_process.ts";
import { sinkText } from "../audit/sink_address.ts";
import { readBundle } from "../bundle/read_bundle.ts";
import { FrontProcess } from "../front/front_process.ts";
import { relayStdio } from "../mcp/stdio_relay.ts";
import { BundleInForce } from "./bundle_in_force.ts";
import { BundleWatch } from "./bundle_watch.ts";
import { EventQueue } from "./event_queue.ts";
import { openJwtFile } from "./jwt_file.ts";
import { authorityOf } from "./listen_address.ts";
import { serverRefusalText } from "./refusal_words.ts";
import { ServerNotes } from "./server_notes.ts";
import { sameBundle } from "./same_bundle.ts";
import type { ServerOptions } from "./server_options.ts";
import { readServerKey } from "../server_key.ts";

/** How long requests that have begun may take when the server ends. */
const GRACE_MS = 10_000;

/**
 * `reload`: the operator asks for it. `changed`: something changed around the bundle's file. `restored`: the audit log can
 * be written again.
 */
type ServerEvent = "end" | "reload" | "changed" | "restored" | { readonly broken: AppError };

/** What a server is told by, and tells. */
export interface ServerSurroundings {
  readonly around: Surroundings;
  /** For the operator. */
  say(line: string): void;
}

/**
 * Serves until it is told to end.
 *
 * @throws {AppError} if it cannot start, or a worker broke that it cannot do without.
 */
export async function runServer(options: ServerOptions, { around, say }: ServerSurroundings): Promise<void> {
  const events = new EventQueue<ServerEvent>();
  const onBroken = (broken: AppError) => events.push({ broken });
  using scope = new DisposableStack();
  listen(events, scope);
  const log = options.audit.kind === "file" ? options.audit.path : undefined;
  // Before it is read: a change meanwhile is not missed.
  scope.use(await BundleWatch.start(options.bundle, () => events.push("changed"), log));
  const bundle = await readBundle(options.bundle, around);
  const key = await readServerKey(around);
  await using audit = await AuditProcess.start({
    sink: options.audit,
    // Of a key that ends with the process nobody could check a MAC.
    key: key.isOwn ? undefined : await deriveAuditKey(key.bytes),
    onTrouble: (trouble) => {
      if (trouble !== undefined) return reportErrors([trouble]);
      say("kz: the audit log can be written again");
      events.push("restored");
    },
    onBroken,
    // A collector may have a certificate of the operator's own authority.
    roots: bundle.network.upstreamCa,
  });
  const refusals = new RefusalLog(say, () => performance.now(), serverRefusalText);
  // Texts of errors may hold what was asked; their kinds do not.
  const tellFault = (where: string, causes: readonly string[]) =>
    refusals.tell(`error[INTERNAL]: Cannot answer a request: a fault in the ${where} (${causes.join(", ")})`);
  await using force = await BundleInForce.start(bundle, {
    serverKey: key.bytes,
    audit,
    root: dirname(options.bundle),
    proxy: options.proxy,
    proxyUrl: options.proxyUrl,
    warn: say,
    // Callers choose what is read below a glob, and so how often it fails.
    onFailure: (error) => refusals.tell(errorText(error).trimEnd()),
    onRefused: (code, facts) => refusals.report(code, facts),
    onFault: tellFault,
    onBroken,
  });
  const front = scope.use(new FrontProcess(options.listen));
  const stdio = options.mcp && options.listen === undefined ? new MessageChannel() : undefined;
  const port = await front.start({
    ...force.generation.forFront,
    serverKey: key.bytes,
    listen: options.listen,
    mcp: options.mcp,
    allowedHosts: options.allowedHosts,
    stdio: stdio?.port2,
    jwtFile: options.jwtFile === undefined ? undefined : jwtFilePort(options.jwtFile, scope),
    audit: audit.connect(),
  });
  front.onBroken = onBroken;
  front.onReport = (report) => {
    if (report.kind === "fault") tellFault("front", report.causes);
  };
  await audit.append({ event: "server", outcome: "allowed", detail: "started" });
  announce(options, { force, port, say });
  if (key.isOwn && options.proxy !== undefined) {
    say("kz: tokens end with this process; KEYZERO_SERVER_KEY keeps them over restarts and replicas");
  }
  const stopped = new AbortController();
  scope.defer(() => stopped.abort());
  if (stdio !== undefined) {
    const streams = { input: Deno.stdin.readable, output: Deno.stdout.writable, signal: stopped.signal };
    void relayStdio(stdio.port1, streams).then(() => events.push("end"));
  }
  const notes = new ServerNotes(audit);
  let fault: string | undefined;
  for (let event = await events.next(); event !== "end"; event = await events.next()) {
    if (typeof event === "object") throw event.broken;
    if (event === "restored") await notes.writeOwed();
    else {
      if (event === "reload") await audit.reopen().catch((error) => reportErrors([error]));
      fault = await reload(event, { options, around, say, force, front, notes, fault });
    }
  }
  await front.end(GRACE_MS);
  await notes.write({ outcome: "allowed", detail: "stopped" });
}

function jwtFilePort(path: string, scope: DisposableStack): MessagePort {
  const { port1, port2 } = new MessageChannel();
  scope.use(openJwtFile(port1, path));
  return port2;
}

function listen(events: EventQueue<ServerEvent>, scope: DisposableStack): void {
  const on = (signal: Deno.Signal, event: ServerEvent) => {
    const listener = () => events.push(event);
    Deno.addSignalListener(signal, listener);
    scope.defer(() => Deno.removeSignalListener(signal, listener));
  };
  on("SIGINT", "end");
  if (Deno.build.os === "windows") return;
  on("SIGTERM", "end");
  on("SIGHUP", "reload");
}

function announce(
  { listen, mcp, audit }: ServerOptions,
  { force, port, say }: { force: BundleInForce; port: number | undefined; say: (line: string) => void },
): void {
  if (listen !== undefined && port !== undefined) {
    const scheme = listen.tls === undefined ? "http" : "https";
    const at = `${scheme}://${authorityOf({ hostname: listen.hostname, port })}`;
    say(`kz: listening on ${at}${mcp ? `, MCP at ${at}/mcp` : ""}`);
  }
  const { proxy } = force.generation.forFront;
  if (proxy !== undefined) say(`kz: proxy at ${proxy.url}`);
  say(`kz: audit log: ${sinkText(audit)}`);
}

/**
 * The new bundle or the old one, whole.
 *
 * @param fault What was wrong with it before: told once, and not again for each change of another file beside it.
 * @returns What is wrong with it now.
 */
async function reload(
  reason: "reload" | "changed",
  { options, around, say, force, front, notes, fault }: {
    options: ServerOptions;
    around: Surroundings;
    say: (line: string) => void;
    force: BundleInForce;
    front: FrontProcess;
    notes: ServerNotes;
    fault: string | undefined;
  },
): Promise<string | undefined> {
  try {
    const bundle: Bundle = await readBundle(options.bundle, around);
    if (reason === "changed" && sameBundle(bundle, force.generation.bundle)) return undefined;
    await force.replace(bundle, (generation) => front.renew(generation.forFront));
  } catch (error) {
    const message = error instanceof AppError ? error.message : undefined;
    if (reason === "changed" && message !== undefined && message === fault) return fault;
    reportErrors([error]);
    say("kz: the bundle was not taken; the one before stays in force");
    const code = error instanceof AppError ? error.code : "INTERNAL";
    await notes.write({ outcome: "denied", code, detail: "bundle not taken" });
    return message;
  }
  say("kz: the bundle was read again and is in force");
  await notes.write({ outcome: "allowed", detail: "bundle read again" });
  return undefined;
}
