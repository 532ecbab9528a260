import { AppError, fromWireError } from "../../../policy/error.ts";
import type { Issuer, Network } from "../../../policy/server/bundle.ts";
import type { JwksReport, JwksSetup } from "../../../proxy/jwks/protocol.ts";
import { workerPermissions } from "../../permissions.ts";
import { jwksNet, jwksSources } from "./jwks_permissions.ts";

/** What the JWKS worker is started for. */
export interface JwksOptions {
  readonly issuers: readonly Issuer[];
  readonly network: Network;
  /** `JwksRequest` in, the text out. It is handed over to the worker. */
  readonly calls: MessagePort;
  /** The worker ended by itself: from then on no call is answered. */
  readonly onFailed: (error: AppError) => void;
}

/** The JWKS worker of one bundle, from its start to the end of its scope. */
export class JwksProcess implements Disposable {
  readonly #worker: Worker;

  constructor({ issuers, network, calls, onFailed }: JwksOptions) {
    this.#worker = new Worker(new URL("../../../proxy/jwks/jwks_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-jwks",
      deno: { permissions: workerPermissions("server-jwks", { net: jwksNet(issuers, network) }) },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<JwksReport>) => {
      if (data.kind === "failed") onFailed(fromWireError(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      onFailed(new AppError("INTERNAL", "Cannot go on: the JWKS worker ended unexpectedly"));
    };
    const setup: JwksSetup = { kind: "start", sources: jwksSources(issuers), network, calls };
    this.#worker.postMessage(setup, [calls]);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
