import { AppError } from "../../policy/error.ts";
import type { AuditEvent } from "../../policy/server/audit_event.ts";
import { LIMITS } from "../limits.ts";
import type { PortCaller } from "../port_calls.ts";
import { ProxyServer } from "../proxy_server.ts";
import type { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";
import { TlsTerminator } from "../tls/tls_terminator.ts";
import { EdgeService, type EdgeServiceOptions } from "./edge_service.ts";
import type { EdgeSetup, ProxyListen } from "./protocol.ts";
import { serverAuthority } from "./server_authority.ts";
import { SwapAudit } from "./swap_audit.ts";
import { type ProxyPass, TokenSealer } from "./token_sealer.ts";

/** What a server's proxy is made of. */
export interface EdgeProxyOptions
  extends Pick<EdgeSetup, "resources" | "serverKey">, Pick<EdgeServiceOptions, "values" | "dial" | "state"> {
  readonly listen: ProxyListen;
  /** Acknowledges what is on disk; nothing goes out before. */
  readonly audit: Pick<PortCaller<AuditEvent, null>, "call">;
  /** How long to wait for an address that is still in use, by the proxy of the bundle before. */
  readonly listenWaitMs?: number;
  /** Told of every refusal, those without a token among them, which are not in the audit. */
  onRefusal?(refusal: Refusal): void;
  /** Milliseconds since the epoch. */
  now?(): number;
}

/** The proxy of a team server (`--proxy`): it swaps sealed tokens for values at the network edge. */
export class EdgeProxy implements Disposable {
  readonly port: number;
  /** The authority of its certificates, the same for every replica that has the server key; PEM. */
  readonly caPem: string;
  readonly #server: ProxyServer<ProxyPass>;
  readonly #service: EdgeService;
  readonly #terminator: TlsTerminator;

  private constructor(
    parts: { server: ProxyServer<ProxyPass>; service: EdgeService; terminator: TlsTerminator; caPem: string },
  ) {
    this.#server = parts.server;
    this.#service = parts.service;
    this.#terminator = parts.terminator;
    this.port = parts.server.port;
    this.caPem = parts.caPem;
  }

  /** @throws {AppError} `SERVER_LISTEN_FAILED` */
  static async start(options: EdgeProxyOptions): Promise<EdgeProxy> {
    const { resources, values, dial, state, now = Date.now, onRefusal = () => {} } = options;
    const [sealer, authority] = await Promise.all([
      TokenSealer.create(options.serverKey),
      serverAuthority(options.serverKey, { now: new Date(now()) }),
    ]);
    const audit = new SwapAudit(options.audit, now);
    const service = new EdgeService({ sealer, resources, values, dial, audit, state, now, onRefusal });
    using stack = new DisposableStack();
    const terminator = stack.use(new TlsTerminator(authority));
    const server = await listen(options, (listen) => new ProxyServer({ service, terminator, listen }));
    stack.move();
    return new EdgeProxy({ server, service, terminator, caPem: authority.certificatePem });
  }

  /** Takes no new connection; those that are open go on. */
  stopAccepting(): void {
    this.#server.stopAccepting();
  }

  /** Takes no new connection, lets what is on its way finish for so long, and closes. */
  async end(graceMs: number): Promise<void> {
    this.#server.stopAccepting();
    using limit = timeLimit(graceMs, () => new Error("Cannot wait longer: the time has passed"));
    const idle = await limit.within(this.#service.idle()).then(() => true, () => false);
    // The last responses are written, and have still to arrive.
    if (idle) await new Promise((resolve) => setTimeout(resolve, Math.min(graceMs, LIMITS.drainMs)));
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
    this.#terminator[Symbol.dispose]();
  }
}

const RETRY_MS = 50;

/** Opens the listener, again and again while its address is in use and there is time. */
async function listen<T>(
  { listen, listenWaitMs = 0 }: Pick<EdgeProxyOptions, "listen" | "listenWaitMs">,
  open: (listen: ProxyListen) => T,
): Promise<T> {
  const until = performance.now() + listenWaitMs;
  for (;;) {
    try {
      return open(listen);
    } catch (cause) {
      const inUse = cause instanceof Deno.errors.AddrInUse;
      if (!inUse || performance.now() >= until) {
        const state = inUse ? "the address is in use" : "the system does not let us";
        throw new AppError("SERVER_LISTEN_FAILED", `Cannot listen on port ${listen.port} for --proxy: ${state}`, {
          cause,
          hints: ["Choose another address, or end what listens there"],
        });
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
