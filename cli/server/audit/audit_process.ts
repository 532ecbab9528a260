import { dirname } from "node:path";
import { AppError, fromWireError } from "../../../policy/error.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { systemState } from "../../config/system_error.ts";
import { type Narrowing, type WorkerPermissions, workerPermissions } from "../../permissions.ts";
import type { ChainPosition } from "./audit_line.ts";
import type { AuditMessage, AuditReport, AuditSetup } from "./protocol.ts";
import { type SinkAddress, sinkNet } from "./sink_address.ts";

/** A lock that another process holds is waited for, and a collector answers or not, within less. */
const READY_TIMEOUT_MS = 15_000;
/** What waits is written within milliseconds, or a collector does not answer. */
const END_TIMEOUT_MS = 10_000;

export interface AuditOptions extends Omit<AuditSetup, "roots"> {
  /** PEM, besides the usual roots, for a collector. */
  readonly roots?: readonly string[];
  /** Told when lines cannot be written, and with undefined when they can again. Meanwhile every event is denied. */
  readonly onTrouble: (trouble: AppError | undefined) => void;
  /** Told when the worker has ended by a fault: events on its ports are not answered any more. Default: `onTrouble`. */
  readonly onBroken?: (error: AppError) => void;
}

/** The audit worker of one server, from its start to the end of its scope. */
export class AuditProcess implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #options: AuditOptions;
  #calls: PortCaller<AuditEvent, null> | undefined;
  #awaited: { readonly kind: AuditReport["kind"]; readonly reply: PromiseWithResolvers<AuditReport> } | undefined;
  #head: ChainPosition | undefined;

  private constructor(options: AuditOptions) {
    this.#options = options;
    this.#worker = new Worker(new URL("./audit_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-audit",
      deno: { permissions: auditPermissions(options.sink) },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<AuditReport>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AppError("INTERNAL", "Cannot go on: the audit worker ended unexpectedly"));
    };
  }

  /**
   * Starts the worker and waits until a line can be written.
   *
   * @throws {AppError} `AUDIT_UNWRITABLE`, or `AUDIT_BROKEN` where what is there does not verify.
   */
  static async start(options: AuditOptions): Promise<AuditProcess> {
    if (options.sink.kind === "file") await createLog(options.sink.path);
    const audit = new AuditProcess(options);
    try {
      const { sink, key, roots = [] } = options;
      await audit.#ask({ kind: "start", sink, key, roots }, "ready", READY_TIMEOUT_MS);
    } catch (error) {
      audit.#worker.terminate();
      throw error;
    }
    audit.#calls = new PortCaller(audit.connect());
    return audit;
  }

  /** The last line when the log was opened, or opened again: what an operator writes down to notice a truncation. */
  get head(): ChainPosition | undefined {
    return this.#head;
  }

  /** @returns A port for one worker: `AuditEvent` out, null in once the line is safe. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#send({ kind: "connect", port: port1 }, [port1]);
    return port2;
  }

  /**
   * Writes an event of the supervisor's own.
   *
   * @throws {Denial}
   */
  async append(event: AuditEvent): Promise<void> {
    await this.#calls?.call(event);
  }

  /** For SIGHUP: goes on in the file that has the log's name now. Whether that worked is told to `onTrouble`. */
  async reopen(): Promise<void> {
    const { sink } = this.#options;
    if (sink.kind !== "file") return;
    // What is wrong with it, the worker finds too.
    await createLog(sink.path).catch(() => {});
    await this.#ask({ kind: "reopen" }, "reopened", READY_TIMEOUT_MS);
  }

  /** Writes what waits, then ends the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#ask({ kind: "end" }, "ended", END_TIMEOUT_MS);
    } catch {
      // It broke, and was told of; what waited was not acknowledged.
    } finally {
      this.#calls?.[Symbol.dispose]();
      this.#worker.terminate();
    }
  }

  #receive(report: AuditReport): void {
    if (report.kind === "lost") this.#options.onTrouble(fromWireError(report.error));
    else if (report.kind === "restored") this.#options.onTrouble(undefined);
    else if (report.kind === "failed") this.#fail(fromWireError(report.error));
    else {
      if (report.kind !== "ended") this.#head = { seq: report.seq, hash: report.hash };
      if (this.#awaited?.kind === report.kind) this.#awaited.reply.resolve(report);
    }
  }

  #fail(error: AppError): void {
    this.#calls?.[Symbol.dispose]();
    if (this.#awaited !== undefined) this.#awaited.reply.reject(error);
    else (this.#options.onBroken ?? this.#options.onTrouble)(error);
  }

  async #ask(message: AuditMessage, kind: AuditReport["kind"], timeoutMs: number): Promise<void> {
    const reply = Promise.withResolvers<AuditReport>();
    const timer = setTimeout(
      () => reply.reject(new AppError("INTERNAL", "Cannot go on: the audit worker does not answer")),
      timeoutMs,
    );
    this.#awaited = { kind, reply };
    try {
      this.#send(message);
      await reply.promise;
    } finally {
      clearTimeout(timer);
      this.#awaited = undefined;
    }
  }

  #send(message: AuditMessage, ports: MessagePort[] = []): void {
    this.#worker.postMessage(message, ports);
  }
}

/** What an audit worker may do: with its one file, with its one host, or nothing. */
export function auditPermissions(sink: SinkAddress): WorkerPermissions {
  return workerPermissions("server-audit", narrowing(sink));
}

function narrowing(sink: SinkAddress): Narrowing {
  switch (sink.kind) {
    case "file": {
      const paths = Deno.build.os === "windows" ? [sink.path, `${sink.path}.lock`] : [sink.path];
      return { read: paths, write: paths };
    }
    case "stdout":
      return {};
    case "otlp":
      return { net: [sinkNet(sink.url)] };
  }
}

/**
 * Makes the file if there is none. The worker could, and could not see to it that its name lasts through a power cut: for
 * that the directory is written to disk, which it may not open.
 */
async function createLog(path: string): Promise<void> {
  try {
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
    if (Deno.build.os === "windows") return;
    using directory = await Deno.open(dirname(path), { read: true });
    await directory.sync();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw new AppError("AUDIT_UNWRITABLE", `Cannot create audit log "${path}": ${systemState(error)}`);
  }
}
