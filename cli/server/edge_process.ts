import type { AppError } from "../../policy/error.ts";
import type { EdgeMessage, EdgeReport, EdgeSetup } from "../../proxy/edge/protocol.ts";
import { workerPermissions } from "../permissions.ts";
import { edgeNet, type EdgeReach } from "./edge_permissions.ts";
import { WorkerHandle } from "./worker_handle.ts";

/** What the edge says when it serves. */
export type EdgeReady = Extract<EdgeReport, { kind: "ready" }>;

/** Making a CA and listening take milliseconds, and the address of a proxy may be in use for seconds. */
const READY_TIMEOUT_MS = 10_000;

/** The edge worker of one bundle, from its start to the end of its scope. */
export class EdgeProcess implements Disposable {
  readonly #reach: EdgeReach;
  readonly #handle: WorkerHandle<EdgeMessage, EdgeReport>;

  /** Starts the worker, which may reach what `reach` names and nothing else. */
  constructor(reach: EdgeReach) {
    this.#reach = reach;
    const worker = new Worker(new URL("../../proxy/edge/edge_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-edge",
      deno: { permissions: workerPermissions("server-edge", { net: edgeNet(reach) }) },
    });
    this.#handle = new WorkerHandle(worker, "edge");
  }

  /** Told that it broke after it was ready; nothing is answered any more. */
  set onBroken(told: (error: AppError) => void) {
    this.#handle.onBroken = told;
  }

  /** Told of what the proxy refused, and of faults of ours. */
  set onReport(told: (report: EdgeReport) => void) {
    this.#handle.onReport = told;
  }

  /**
   * Hands over the server's key and the ports to the other workers, and waits until the edge serves.
   *
   * @throws {AppError} what it could not do.
   */
  async serve(setup: Pick<EdgeSetup, "serverKey" | "front" | "vault" | "audit" | "state">): Promise<EdgeReady> {
    const { serverKey, front, vault, audit, state } = setup;
    const message = { kind: "start", ...this.#reach, serverKey, front, vault, audit, state } as const;
    return await this.#handle.ask(message, "ready", {
      ports: [front, vault, audit, state],
      timeoutMs: READY_TIMEOUT_MS,
    });
  }

  /** Lets another worker have the proxy's address; what is open there goes on. */
  yieldProxy(): void {
    this.#handle.send({ kind: "yield" });
  }

  /** Listens there again. */
  resumeProxy(): void {
    this.#handle.send({ kind: "resume" });
  }

  /** Lets what has begun come to its end; for at most `timeoutMs`. The scope's end terminates the rest. */
  async end(timeoutMs: number): Promise<void> {
    await this.#handle.ask({ kind: "end" }, "ended", { timeoutMs }).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}
