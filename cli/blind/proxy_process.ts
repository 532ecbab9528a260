import { AppError, fromWireError } from "../../policy/error.ts";
import type { ProxyMessage, ProxySetup } from "../../proxy/protocol.ts";
import type { BlindSettings } from "../config/model.ts";
import { workerPermissions } from "../permissions.ts";
import { proxyNet } from "./proxy_permissions.ts";
import { RefusalLog } from "./refusal_log.ts";

/** What the proxy says when it serves. */
export type ProxyReady = Extract<ProxyMessage, { kind: "ready" }>;

/** Making a CA and preparing the search takes milliseconds; values have been resolved before. */
const READY_TIMEOUT_MS = 10_000;

/** The proxy worker of one run, from its start to the end of its scope. */
export class ProxyProcess implements Disposable {
  readonly anyAddress: boolean;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<ProxyReady>();

  /** Starts the worker, which makes its CA while values are being resolved. */
  constructor(settings: BlindSettings, write: (line: string) => void) {
    const net = proxyNet(settings);
    this.anyAddress = net === true;
    this.#worker = new Worker(new URL("../../proxy/proxy_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-proxy",
      deno: { permissions: workerPermissions("proxy", { net }) },
    });
    // Nobody may be waiting when it fails.
    this.#ready.promise.catch(() => {});
    const log = new RefusalLog(write);
    this.#worker.onmessage = ({ data }: MessageEvent<ProxyMessage>) => {
      if (data.kind === "refused") log.report(data.code, data.facts);
      else if (data.kind === "ready") this.#ready.resolve(data);
      else this.#ready.reject(fromWireError(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      // The child's network ends here, and with it every way for a value.
      const error = new AppError("INTERNAL", "Cannot go on: the proxy ended unexpectedly");
      this.#ready.reject(error);
      write(`error[${error.code}]: ${error.message}`);
    };
  }

  /** Hands the run's setup over, with the values' ports, and waits until the proxy serves. */
  async serve(setup: Omit<ProxySetup, "anyAddress">): Promise<ProxyReady> {
    this.#worker.postMessage({ ...setup, anyAddress: this.anyAddress }, [...setup.valuePorts]);
    const timer = setTimeout(
      () => this.#ready.reject(new AppError("INTERNAL", "Cannot start proxy: it does not answer")),
      READY_TIMEOUT_MS,
    );
    try {
      return await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
