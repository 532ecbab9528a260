import type { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { AuditProcess } from "../audit/audit_process.ts";
import { EdgeProcess } from "../edge_process.ts";
import type { FrontGeneration } from "../front/protocol.ts";
import { JwksProcess } from "../identity/jwks_process.ts";
import type { StateProcess } from "../state/state_process.ts";
import { authorityOf, type ListenAddress } from "./listen_address.ts";
import { openVault } from "./vault.ts";

/** What does not change when a bundle is read again. */
export interface ServerContext {
  readonly serverKey: Uint8Array<ArrayBuffer>;
  readonly audit: AuditProcess;
  /** The bundle's directory: relative paths start here. */
  readonly root: string;
  readonly proxy: ListenAddress | undefined;
  readonly proxyUrl: string | undefined;
  /** For the operator. */
  warn(line: string): void;
  /** Told of a value that could not be read. */
  onFailure(error: AppError): void;
  /** Told of a worker that broke and that the server cannot do without. */
  onBroken(error: AppError): void;
}

/** The workers of one reading of a bundle: their permissions are its hosts. */
export class ServerGeneration implements AsyncDisposable {
  readonly bundle: Bundle;
  readonly forFront: FrontGeneration;
  /** Where the proxy listens. */
  readonly proxyPort: number | undefined;
  readonly #edge: EdgeProcess;
  readonly #scope: DisposableStack;

  constructor(forFront: FrontGeneration, edge: EdgeProcess, scope: DisposableStack) {
    this.bundle = forFront.bundle;
    this.forFront = forFront;
    this.proxyPort = edge.proxy?.port;
    this.#edge = edge;
    this.#scope = scope;
  }

  /** @throws {AppError} if a worker cannot start; what was started by then has ended. */
  static async start(bundle: Bundle, state: StateProcess, context: ServerContext): Promise<ServerGeneration> {
    using opened = new DisposableStack();
    const [fetches, keys] = [new MessageChannel(), new MessageChannel()];
    const jwks = opened.use(new JwksProcess(bundle));
    jwks.onBroken = context.onBroken;
    jwks.start(keys.port2);
    const edge = opened.use(new EdgeProcess(bundle, context.proxy));
    await edge.start({
      serverKey: context.serverKey,
      front: fetches.port2,
      vault: vaultPort(bundle, context, opened),
      audit: context.audit.connect(),
      state: statePort(state),
    });
    edge.onBroken = context.onBroken;
    const forFront = {
      bundle,
      edge: fetches.port1,
      jwks: keys.port1,
      vault: vaultPort(bundle, context, opened),
      state: statePort(state),
      proxy: proxyOf(edge, context),
    };
    return new ServerGeneration(forFront, edge, opened.move());
  }

  /** Takes no new connections and lets requests that have begun end, for a while. */
  async end(): Promise<void> {
    await this.#edge.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => {});
    this.#scope.dispose();
  }
}

function vaultPort({ backends }: Bundle, { root, onFailure }: ServerContext, scope: DisposableStack): MessagePort {
  const { port1, port2 } = new MessageChannel();
  scope.use(openVault(port1, { backends, root, onFailure }));
  return port2;
}

function statePort(state: StateProcess): MessagePort {
  const { port1, port2 } = new MessageChannel();
  state.connect(port1);
  return port2;
}

function proxyOf({ proxy }: EdgeProcess, { proxy: listen, proxyUrl }: ServerContext): FrontGeneration["proxy"] {
  if (proxy === undefined || listen === undefined) return undefined;
  return { url: proxyUrl ?? `http://${authorityOf({ ...listen, port: proxy.port })}`, caPem: proxy.caPem };
}
