import { dirname } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import type { AuditSink } from "../audit/audit_sink.ts";
import { AuditProcess } from "../audit/audit_process.ts";
import { readBundle } from "../bundle/read_bundle.ts";
import type { Surroundings } from "../../config/config_files.ts";
import { FrontProcess } from "../front/front_process.ts";
import type { FrontListen } from "../front/protocol.ts";
import { relayStdio } from "../mcp/stdio_relay.ts";
import { StateProcess } from "../state/state_process.ts";
import { reportErrors } from "../../terminal/report_error.ts";
import { BundleWatch } from "./bundle_watch.ts";
import { openJwtFile } from "./jwt_file.ts";
import { authorityOf, type ListenAddress } from "./listen_address.ts";
import { sameBundle } from "./same_bundle.ts";
import { type GenerationContext, ServerGeneration } from "./server_generation.ts";
import { readServerKey } from "./server_key.ts";

/** `kz server start`, as the command line says it. */
export interface ServerOptions {
  /** Absolute. */
  readonly bundle: string;
  /** Absent: MCP on the standard streams alone. */
  readonly listen: FrontListen | undefined;
  readonly mcp: boolean;
  readonly allowedHosts: readonly string[];
  readonly proxy: ListenAddress | undefined;
  readonly proxyUrl: string | undefined;
  readonly audit: AuditSink;
  /** Absolute. */
  readonly jwtFile: string | undefined;
}

/** How long requests that have begun may take when the server ends. */
const GRACE_MS = 10_000;

type Event = "end" | "reload" | "changed" | { readonly broken: AppError };

/** A running team server: its workers, and what reaches it from outside: signals, files, the end of standard input. */
export class Supervisor implements AsyncDisposable {
  readonly #options: ServerOptions;
  readonly #around: Surroundings;
  readonly #say: (line: string) => void;
  readonly #audit: AuditProcess;
  readonly #record: PortCaller<AuditEvent, null>;
  readonly #front: FrontProcess;
  readonly #context: GenerationContext;
  #generation: ServerGeneration;
  readonly #events: Event[] = [];
  #wake: (() => void) | undefined;
  readonly #scope: AsyncDisposableStack;

  constructor(parts: {
    options: ServerOptions;
    around: Surroundings;
    say: (line: string) => void;
    audit: AuditProcess;
    record: PortCaller<AuditEvent, null>;
    front: FrontProcess;
    context: GenerationContext;
    generation: ServerGeneration;
    scope: AsyncDisposableStack;
  }) {
    this.#options = parts.options;
    this.#around = parts.around;
    this.#say = parts.say;
    this.#audit = parts.audit;
    this.#record = parts.record;
    this.#front = parts.front;
    this.#context = parts.context;
    this.#generation = parts.generation;
    this.#scope = parts.scope;
  }

  /** Starts every worker. @throws {AppError} if one cannot start; then all have ended. */
  static async start(
    options: ServerOptions,
    around: Surroundings,
    say: (line: string) => void,
  ): Promise<Supervisor> {
    await using opened = new AsyncDisposableStack();
    const bundle = await readBundle(options.bundle, around);
    const key = await readServerKey(around);
    const audit = opened.use(await AuditProcess.start(options.audit, key.bytes));
    const record = opened.use(new PortCaller<AuditEvent, null>(audit.connect()));
    const state = opened.use(await StateProcess.start(bundle.state));
    const context: GenerationContext = {
      key,
      audit,
      state,
      root: dirname(options.bundle),
      proxy: options.proxy,
      proxyUrl: options.proxyUrl,
      onFailure: (error) => reportErrors([error]),
    };
    const generation = await ServerGeneration.start(bundle, context);
    const front = opened.use(new FrontProcess(options.listen));
    // A port that was free is kept over reloads.
    const proxy = options.proxy === undefined || generation.proxyPort === undefined
      ? undefined
      : { ...options.proxy, port: generation.proxyPort };
    const supervisor = new Supervisor({
      options,
      around,
      say,
      audit,
      record,
      front,
      context: { ...context, proxy },
      generation,
      scope: opened.move(),
    });
    try {
      await supervisor.#serve(state);
      if (key.isOwn) {
        say(
          "kz: tokens are good for this process alone; set KEYZERO_SERVER_KEY to keep them over restarts and replicas",
        );
      }
    } catch (error) {
      await supervisor[Symbol.asyncDispose]();
      throw error;
    }
    return supervisor;
  }

  async #serve(state: StateProcess): Promise<void> {
    const { listen, mcp, allowedHosts, jwtFile, audit } = this.#options;
    const stdio = mcp && listen === undefined ? new MessageChannel() : undefined;
    const jwt = jwtFile === undefined ? undefined : new MessageChannel();
    if (jwt !== undefined && jwtFile !== undefined) this.#scope.use(openJwtFile(jwt.port1, jwtFile));
    const port = await this.#front.start({
      ...this.#generation.forFront,
      serverKey: this.#context.key.bytes,
      listen,
      mcp,
      allowedHosts,
      stdio: stdio?.port2,
      jwtFile: jwt?.port2,
      audit: this.#audit.connect(),
      state: state.connect(),
    });
    this.#front.onBroken = (broken) => this.#notify({ broken });
    this.#audit.onBroken = (broken) => this.#notify({ broken });
    await this.#record.call({ event: "server", outcome: "allowed", detail: "started" });
    if (stdio !== undefined) void relayStdio(stdio.port1).then(() => this.#notify("end"));
    this.#scope.use(new BundleWatch(this.#options.bundle, () => this.#notify("changed")));
    this.#onSignal("SIGTERM", "end");
    this.#onSignal("SIGINT", "end");
    if (Deno.build.os !== "windows") this.#onSignal("SIGHUP", "reload");
    if (listen !== undefined && port !== undefined) {
      const scheme = listen.tls === undefined ? "http" : "https";
      const at = `${scheme}://${authorityOf({ hostname: listen.hostname, port })}`;
      this.#say(`kz: listening on ${at}${mcp ? ` (MCP at ${at}/mcp)` : ""}`);
    }
    const { proxy } = this.#generation.forFront;
    if (proxy !== undefined) this.#say(`kz: proxy at ${proxy.url}`);
    this.#say(`kz: audit to ${audit.label}`);
  }

  #onSignal(signal: Deno.Signal, event: Event): void {
    const listener = () => this.#notify(event);
    Deno.addSignalListener(signal, listener);
    this.#scope.defer(() => Deno.removeSignalListener(signal, listener));
  }

  #notify(event: Event): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** Runs until it is told to end. @throws {AppError} if a worker broke that the server cannot do without. */
  async run(): Promise<void> {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) await new Promise<void>((wake) => this.#wake = wake);
      else if (event === "end") return;
      else if (event === "reload" || event === "changed") await this.#reload(event);
      else throw event.broken;
    }
  }

  /** The new bundle or the old one, whole. */
  async #reload(reason: "reload" | "changed"): Promise<void> {
    if (reason === "reload") this.#audit.reopen();
    let bundle: Bundle;
    try {
      bundle = await readBundle(this.#options.bundle, this.#around);
    } catch (error) {
      return await this.#keepOld(error);
    }
    if (reason === "changed" && sameBundle(bundle, this.#generation.bundle)) return;
    const before = this.#generation;
    try {
      // The proxy's port cannot be listened on twice; what has begun goes on.
      if (this.#context.proxy !== undefined) await before.stopListening();
      this.#generation = await ServerGeneration.start(bundle, this.#context);
      await this.#front.renew(this.#generation.forFront);
    } catch (error) {
      return await this.#keepOld(error);
    }
    await this.#record.call({ event: "server", outcome: "allowed", detail: "bundle read again" });
    this.#say("kz: the bundle was read again");
    // Not waited for: what is decided by it may still be under way.
    void before[Symbol.asyncDispose]();
  }

  async #keepOld(error: unknown): Promise<void> {
    reportErrors([error]);
    this.#say("kz: the bundle was not taken; the one before stays in force");
    const code = error instanceof AppError ? error.code : "INTERNAL";
    await this.#record.call({ event: "server", outcome: "denied", code, detail: "bundle not taken" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#front.end(GRACE_MS).catch(() => {});
    await this.#generation[Symbol.asyncDispose]();
    await this.#record.call({ event: "server", outcome: "allowed", detail: "stopped" }).catch(() => {});
    await this.#scope.disposeAsync();
  }
}
