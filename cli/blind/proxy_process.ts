import { AppError, fromWireError } from "../../policy/error.ts";
import type { Host } from "../../policy/host.ts";
import type { ProxyMessage, ProxySetup, SupervisorMessage } from "../../proxy/protocol.ts";
import type { BlindSettings } from "../config/model.ts";
import { workerPermissions } from "../permissions.ts";
import { proxyNet } from "./proxy_permissions.ts";
import { mintedText } from "./minted_text.ts";
import { RefusalLog } from "./refusal_log.ts";

/** What the proxy says when it serves. */
export type ProxyReady = Extract<ProxyMessage, { kind: "ready" }>;

/** Making a CA and preparing the search takes milliseconds; values have been resolved before. */
const READY_TIMEOUT_MS = 10_000;

/** The proxy worker of one run, from its start to the end of its scope. */
export class ProxyProcess implements Disposable {
  readonly anyAddress: boolean;
  /** Told of the secrets in a request that a host answered with 401, or of the way to the server that is refused. */
  onUnauthorized: (secrets: ReadonlySet<string>) => void = () => {};
  readonly #worker: Worker;
  #isServing = false;
  readonly #ready = Promise.withResolvers<ProxyReady>();

  /** Starts the worker, which makes its CA while values are being resolved. */
  constructor(settings: BlindSettings & { readonly server: Host | undefined }, write: (line: string) => void) {
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
      else if (data.kind === "unauthorized") this.onUnauthorized(data.secrets);
      else if (data.kind === "minted") log.tell(mintedText(data));
      else if (data.kind === "renewed") write(`kz: ${data.secret} has a new value`);
      else if (data.kind === "ready") this.#ready.resolve(data);
      else this.#fail(fromWireError(data.error), write);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AppError("INTERNAL", "Cannot go on: the proxy ended unexpectedly"), write);
    };
  }

  /** Before it served, the run ends with the error; after, the child's network has ended and the operator is told. */
  #fail(error: AppError, write: (line: string) => void): void {
    if (this.#isServing) write(`error[${error.code}]: ${error.message}`);
    else this.#ready.reject(error);
  }

  /** Hands the run's setup over, with the values' ports, and waits until the proxy serves. */
  async serve(setup: Omit<ProxySetup, "anyAddress">): Promise<ProxyReady> {
    this.#send({ kind: "start", ...setup, anyAddress: this.anyAddress }, setup.valuePorts);
    const timer = setTimeout(
      () => this.#ready.reject(new AppError("INTERNAL", "Cannot start proxy: it does not answer")),
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

  /** Hands values over that were read anew. */
  renew(valuePort: MessagePort): void {
    this.#send({ kind: "renew", valuePort }, [valuePort]);
  }

  #send(message: SupervisorMessage, ports: readonly MessagePort[]): void {
    this.#worker.postMessage(message, [...ports]);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
