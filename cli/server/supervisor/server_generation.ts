import type { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { AuditProcess } from "../audit/audit_process.ts";
import { EdgeProcess } from "../edge_process.ts";
import type { FrontGeneration } from "../front/protocol.ts";
import { JwksProcess } from "../identity/jwks_process.ts";
import type { StateProcess } from "../state/state_process.ts";
import { authorityOf, type ListenAddress } from "./listen_address.ts";
import type { ServerKey } from "./server_key.ts";
import { openVault } from "./vault.ts";

/** What does not change when a bundle is read again. */
export interface GenerationContext {
  readonly key: ServerKey;
  readonly audit: AuditProcess;
  readonly state: StateProcess;
  /** Where relative paths start: the bundle's directory. */
  readonly root: string;
  readonly proxy: ListenAddress | undefined;
  /** How callers reach the proxy; absent: by the address that it listens on. */
  readonly proxyUrl: string | undefined;
  onFailure(error: AppError): void;
}

/** The workers of one reading of a bundle: their permissions are its hosts. */
export class ServerGeneration implements AsyncDisposable {
  readonly bundle: Bundle;
  readonly forFront: FrontGeneration;
  /** Where the proxy listens. */
  readonly proxyPort: number | undefined;
  readonly #edge: EdgeProcess;
  readonly #rest: DisposableStack;

  constructor(bundle: Bundle, parts: {
    forFront: FrontGeneration;
    edge: EdgeProcess;
    proxyPort: number | undefined;
    rest: DisposableStack;
  }) {
    this.bundle = bundle;
    this.forFront = parts.forFront;
    this.proxyPort = parts.proxyPort;
    this.#edge = parts.edge;
    this.#rest = parts.rest;
  }

  /** @throws {AppError} if a worker cannot start; what was started by then has ended. */
  static async start(bundle: Bundle, context: GenerationContext): Promise<ServerGeneration> {
    using opened = new DisposableStack();
    const { root, onFailure } = context;
    const vaults = [new MessageChannel(), new MessageChannel()];
    for (const { port1 } of vaults) opened.use(openVault(port1, { backends: bundle.backends, root, onFailure }));
    const [fetches, keys] = [new MessageChannel(), new MessageChannel()];
    const jwks = opened.use(new JwksProcess(bundle));
    jwks.onBroken = onFailure;
    jwks.start(keys.port2);
    const edge = opened.use(new EdgeProcess(bundle, context.proxy));
    edge.onBroken = onFailure;
    const ready = await edge.start({
      resources: bundle.resources,
      network: bundle.network,
      proxy: context.proxy,
      serverKey: context.key.bytes,
      front: fetches.port2,
      vault: vaults[0]!.port2,
      audit: context.audit.connect(),
      state: context.state.connect(),
    });
    const proxy = ready.proxy === undefined || context.proxy === undefined ? undefined : {
      url: context.proxyUrl ?? `http://${authorityOf({ ...context.proxy, port: ready.proxy.port })}`,
      caPem: ready.proxy.caPem,
    };
    const forFront = { bundle, edge: fetches.port1, jwks: keys.port1, vault: vaults[1]!.port2, proxy };
    return new ServerGeneration(bundle, { forFront, edge, proxyPort: ready.proxy?.port, rest: opened.move() });
  }

  /** Lets requests that have begun end, and takes no new ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge.end().catch(() => {});
    this.#rest.dispose();
  }
}
