import type { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { JwksMessage } from "../../../proxy/jwks/protocol.ts";
import { workerPermissions } from "../../permissions.ts";
import { WorkerHandle } from "../worker_handle.ts";
import { jwksNet, jwksSources } from "./jwks_permissions.ts";

/** The worker that fetches the keys of a bundle's issuers, and reaches nothing else. */
export class JwksProcess implements Disposable {
  readonly #bundle: Bundle;
  readonly #handle: WorkerHandle<JwksMessage, { kind: "failed"; error: never }>;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    const worker = new Worker(new URL("../../../proxy/jwks/jwks_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-jwks",
      deno: { permissions: workerPermissions("server-jwks", { net: jwksNet(bundle) }) },
    });
    this.#handle = new WorkerHandle(worker, "jwks");
  }

  set onBroken(told: (error: AppError) => void) {
    this.#handle.onBroken = told;
  }

  /** @param calls `{ url }` in, the text of a JWKS out. */
  start(calls: MessagePort): void {
    const { issuers, network } = this.#bundle;
    this.#handle.send({ kind: "start", sources: jwksSources(issuers), network, calls }, [calls]);
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}
