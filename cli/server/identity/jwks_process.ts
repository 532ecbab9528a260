import { AppError, fromWireError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { JwksReport, JwksSetup, JwksSource } from "../../../proxy/jwks/protocol.ts";
import { workerPermissions } from "../../permissions.ts";
import { jwksNet, jwksSources } from "./jwks_permissions.ts";

/** The JWKS worker of one bundle, from its start to the end of its scope. There is none where no issuer needs it. */
export class JwksProcess implements Disposable {
  /** Told when the worker ended by itself: from then on no call is answered. */
  onBroken: (error: AppError) => void = () => {};
  readonly #bundle: Pick<Bundle, "issuers" | "network">;
  readonly #sources: readonly JwksSource[];
  #worker: Worker | undefined;
  #unused: MessagePort | undefined;

  constructor(bundle: Pick<Bundle, "issuers" | "network">) {
    this.#bundle = bundle;
    this.#sources = jwksSources(bundle.issuers);
  }

  /** @param calls `JwksRequest` in, the text out. It is handed over to the worker. */
  start(calls: MessagePort): void {
    const { issuers, network } = this.#bundle;
    if (this.#sources.length === 0) {
      // Nobody will ask. Its other end could not be handed on once this one is closed.
      this.#unused = calls;
      return;
    }
    this.#worker = new Worker(new URL("../../../proxy/jwks/jwks_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-jwks",
      deno: { permissions: workerPermissions("server-jwks", { net: jwksNet(issuers, network) }) },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<JwksReport>) => {
      if (data.kind === "failed") this.onBroken(fromWireError(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.onBroken(new AppError("INTERNAL", "Cannot go on: the JWKS worker ended unexpectedly"));
    };
    const setup: JwksSetup = { kind: "start", sources: this.#sources, network, calls };
    this.#worker.postMessage(setup, [calls]);
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
    this.#unused?.close();
  }
}
