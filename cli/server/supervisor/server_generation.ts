import type { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { RefusalCode, RefusalFacts } from "../../../proxy/refusal.ts";
import type { AuditProcess } from "../audit/audit_process.ts";
import { EdgeProcess, type EdgeReady } from "../edge_process.ts";
import type { FrontGeneration } from "../front/protocol.ts";
import { JwksProcess } from "../identity/jwks_process.ts";
import type { StateProcess } from "../state/state_process.ts";
import { authorityOf, type ListenAddress } from "./listen_address.ts";
import { directBackends, openVault } from "./vault.ts";

/** How long requests that have begun may take once there is another bundle, or the server ends. */
const END_MS = 10_000;

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
  /** Told of what the proxy refused. */
  onRefused(code: RefusalCode, facts: RefusalFacts): void;
  /** Told of a fault of ours, by the kinds of its errors. */
  onFault(where: "edge", causes: readonly string[]): void;
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

  constructor(
    { forFront, edge, proxyPort, scope }: {
      forFront: FrontGeneration;
      edge: EdgeProcess;
      proxyPort: number | undefined;
      scope: DisposableStack;
    },
  ) {
    this.bundle = forFront.bundle;
    this.forFront = forFront;
    this.proxyPort = proxyPort;
    this.#edge = edge;
    this.#scope = scope;
  }

  /** @throws {AppError} if a worker cannot start; what was started by then has ended. */
  static async start(bundle: Bundle, state: StateProcess, context: ServerContext): Promise<ServerGeneration> {
    using opened = new DisposableStack();
    const [fetches, keys] = [new MessageChannel(), new MessageChannel()];
    const { network, resources } = bundle;
    const jwks = opened.use(new JwksProcess(bundle));
    jwks.onBroken = context.onBroken;
    jwks.start(keys.port2);
    const edge = opened.use(new EdgeProcess({ resources, network, proxy: context.proxy }));
    const { proxy } = await edge.serve({
      serverKey: context.serverKey,
      front: fetches.port2,
      vault: vaultPort(bundle.backends, context, opened),
      audit: context.audit.connect(),
      state: statePort(state),
    });
    edge.onBroken = context.onBroken;
    edge.onReport = (report) => {
      if (report.kind === "refused") context.onRefused(report.code, report.facts);
      else if (report.kind === "fault") context.onFault("edge", report.causes);
    };
    const forFront = {
      bundle,
      edge: fetches.port1,
      jwks: keys.port1,
      vault: vaultPort(directBackends(bundle), context, opened),
      state: statePort(state),
      proxy: proxyOf(proxy, context),
    };
    return new ServerGeneration({ forFront, edge, proxyPort: proxy?.port, scope: opened.move() });
  }

  /** Lets the next generation have the proxy's address. @returns What takes it back. */
  yieldProxy(): () => void {
    this.#edge.yieldProxy();
    return () => this.#edge.resumeProxy();
  }

  /** Takes no new connections and lets requests that have begun end, for a while. */
  async end(): Promise<void> {
    await this.#edge.end(END_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => {});
    this.#scope.dispose();
  }
}

function vaultPort(
  backends: Bundle["backends"],
  { root, onFailure }: ServerContext,
  scope: DisposableStack,
): MessagePort {
  const { port1, port2 } = new MessageChannel();
  scope.use(openVault(port1, { backends, root, onFailure }));
  return port2;
}

function statePort(state: StateProcess): MessagePort {
  const { port1, port2 } = new MessageChannel();
  state.connect(port1);
  return port2;
}

function proxyOf(proxy: EdgeReady["proxy"], { proxy: listen, proxyUrl }: ServerContext): FrontGeneration["proxy"] {
  if (proxy === undefined || listen === undefined) return undefined;
  return { url: proxyUrl ?? `http://${authorityOf({ ...listen, port: proxy.port })}`, caPem: proxy.caPem };
}
