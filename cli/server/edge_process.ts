import { AppError, fromWireError } from "../../policy/error.ts";
import type { EdgeMessage, EdgeReport, EdgeSetup } from "../../proxy/edge/protocol.ts";
import type { RefusalCode, RefusalFacts } from "../../proxy/refusal.ts";
import { workerPermissions } from "../permissions.ts";
import { edgeNet, type EdgeReach } from "./edge_permissions.ts";

/** What the edge says when it serves. */
export type EdgeReady = Extract<EdgeReport, { kind: "ready" }>;

/** Making a CA and listening take milliseconds; no value is read before. */
const READY_TIMEOUT_MS = 10_000;

/** The edge worker of one bundle, from its start to the end of its scope. */
export class EdgeProcess implements Disposable {
  /** Told that it broke after it was ready; nothing is answered any more. */
  onFailed: (error: AppError) => void = () => {};
  /** Told of what the proxy refused. */
  onRefused: (code: RefusalCode, facts: RefusalFacts) => void = () => {};
  readonly #reach: EdgeReach;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<EdgeReady>();
  readonly #ended = Promise.withResolvers<void>();
  #isServing = false;

  /** Starts the worker, which may reach what `reach` names and nothing else. */
  constructor(reach: EdgeReach) {
    this.#reach = reach;
    this.#worker = new Worker(new URL("../../proxy/edge/edge_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-edge",
      deno: { permissions: workerPermissions("server-edge", { net: edgeNet(reach) }) },
    });
    // Nobody may be waiting when it fails.
    this.#ready.promise.catch(() => {});
    this.#worker.onmessage = ({ data }: MessageEvent<EdgeReport>) => {
      if (data.kind === "ready") this.#ready.resolve(data);
      else if (data.kind === "ended") this.#ended.resolve();
      else if (data.kind === "refused") this.onRefused(data.code, data.facts);
      else this.#fail(fromWireError(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AppError("INTERNAL", "Cannot go on: the edge ended unexpectedly"));
    };
  }

  #fail(error: AppError): void {
    this.#ended.resolve();
    if (this.#isServing) this.onFailed(error);
    else this.#ready.reject(error);
  }

  /**
   * Hands over the server's key and the ports to the other workers, and waits until the edge serves.
   *
   * @throws {AppError} what it could not do.
   */
  async serve(setup: Pick<EdgeSetup, "serverKey" | "front" | "vault" | "audit" | "state">): Promise<EdgeReady> {
    const { serverKey, front, vault, audit, state } = setup;
    this.#send({ kind: "start", ...this.#reach, serverKey, front, vault, audit, state }, [front, vault, audit, state]);
    const timer = setTimeout(
      () => this.#ready.reject(new AppError("INTERNAL", "Cannot start edge: it does not answer")),
      READY_TIMEOUT_MS,
    );
    try {
      const ready = await this.#ready.promise;
      this.#isServing = true;
      return ready;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets another worker have the proxy's address; what is open there goes on. */
  yieldProxy(): void {
    this.#send({ kind: "yield" }, []);
  }

  /** Listens there again. */
  resumeProxy(): void {
    this.#send({ kind: "resume" }, []);
  }

  /** Lets what has begun come to its end; for at most `timeoutMs`. The scope's end terminates the rest. */
  async end(timeoutMs: number): Promise<void> {
    this.#send({ kind: "end" }, []);
    const timer = setTimeout(() => this.#ended.resolve(), timeoutMs);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #send(message: EdgeMessage, ports: readonly MessagePort[]): void {
    this.#worker.postMessage(message, [...ports]);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
