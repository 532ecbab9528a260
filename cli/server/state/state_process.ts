import { AppError, fromWireError } from "../../../policy/error.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import type { Bundle, StatePassword, StateSettings } from "../../../policy/server/bundle.ts";
import { resolveAll, type ResolveOutcome } from "../../resolve/resolve_all.ts";
import { type WorkerPermissions, workerPermissions } from "../../permissions.ts";
import type { RedisFault, StateMessage, StateReport } from "./protocol.ts";

/** What of a bundle the state worker is made from. */
export type StateSource = Pick<Bundle, "state" | "backends" | "network">;

export interface StateOptions {
  /** The directory of the bundle: relative paths of its backends start here. */
  readonly root: string;
  /** For the operator. */
  readonly warn: (line: string) => void;
  /** Told once if the worker broke: nothing answers its ports any more. */
  readonly onBroken: (error: AppError) => void;
  /** Between readings of a password that Redis refuses. */
  readonly passwordPauseMs?: number;
}

/** Longer than the worker waits for Redis the first time. */
const READY_TIMEOUT_MS = 10_000;
/** A Redis that goes on refusing a password does not make its backend answer as often. */
const PASSWORD_PAUSE_MS = 10_000;

/** What the operator reads of a Redis that cannot be asked. */
const FAULTS: Record<RedisFault, string> = {
  "unreachable": "it cannot be reached",
  "silent": "it does not answer in time",
  "untrusted": "its certificate is not valid for its name",
  "password-refused": "it refuses the password",
  "refusing": "it refuses commands",
};

/** The least that the state worker needs: its Redis, or nothing. */
export function statePermissions(state: StateSettings): WorkerPermissions {
  const net = state.kind === "redis" ? [`${state.address.host}:${state.address.port}`] : [];
  return workerPermissions("server-state", { net });
}

/**
 * The state worker of a server. It outlives a reload of the bundle, so that revocations in memory do: the supervisor makes
 * a new one only where {@linkcode sameState} says so.
 */
export class StateProcess implements Disposable {
  readonly #worker: Worker;
  readonly #options: StateOptions;
  readonly #source: StateSource;
  readonly #ready = Promise.withResolvers<void>();
  #broken = false;
  #fault: RedisFault | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(source: StateSource, options: StateOptions) {
    this.#source = source;
    this.#options = options;
    this.#worker = new Worker(new URL("./state_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-state",
      deno: { permissions: statePermissions(source.state) },
    });
    // Nobody may be waiting when it fails.
    this.#ready.promise.catch(() => {});
    this.#worker.onmessage = ({ data }: MessageEvent<StateReport>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AppError("INTERNAL", "Cannot go on: the state worker ended unexpectedly"));
    };
  }

  /**
   * Starts the worker and waits until it answers. A Redis that cannot be reached is no error here: until it can, every
   * request for state is denied, and the operator is told.
   *
   * @throws {AppError} where its password cannot be read from its backend.
   */
  static async start(source: StateSource, options: StateOptions): Promise<StateProcess> {
    const { state } = source;
    using password = state.kind === "redis" && state.password !== undefined
      ? await readPassword(state.password, source, options)
      : undefined;
    using scope = new DisposableStack();
    const started = scope.use(new StateProcess(source, options));
    const [port] = password?.valuePorts ?? [];
    started.#send({
      kind: "start",
      redis: state.kind === "redis"
        ? { address: state.address, roots: source.network.upstreamCa, password: port }
        : undefined,
    }, port === undefined ? [] : [port]);
    const timer = setTimeout(
      () => started.#ready.reject(new AppError("INTERNAL", "Cannot start state worker: it does not answer")),
      READY_TIMEOUT_MS,
    );
    try {
      await started.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
    scope.move();
    return started;
  }

  /** Lets a worker ask: `StateRequest` in, `StateAnswer` out. */
  connect(port: MessagePort): void {
    this.#send({ kind: "connect", port }, [port]);
  }

  #hear(report: StateReport): void {
    const { warn } = this.#options;
    if (report.kind === "ready") this.#ready.resolve();
    else if (report.kind === "restored") {
      this.#fault = undefined;
      warn("kz: Redis answers again");
    } else if (report.kind === "failed") this.#fail(fromWireError(report.error));
    else {
      warn(`warning: Redis cannot be asked for revocations, so every token is refused: ${FAULTS[report.fault]}`);
      this.#fault = report.fault;
      this.#planRenewal();
    }
  }

  /** A password that is refused may have been changed since it was read: it is read anew until it is not. */
  #planRenewal(): void {
    const { state } = this.#source;
    if (state.kind !== "redis" || state.password === undefined) return;
    const { password } = state;
    this.#renewal ??= setTimeout(async () => {
      this.#renewal = undefined;
      if (this.#broken || this.#fault !== "password-refused") return;
      await this.#renewPassword(password);
      if (!this.#broken) this.#planRenewal();
    }, this.#options.passwordPauseMs ?? PASSWORD_PAUSE_MS);
  }

  async #renewPassword(password: StatePassword): Promise<void> {
    try {
      using outcome = await readPassword(password, this.#source, this.#options);
      const [port] = outcome.valuePorts;
      if (port !== undefined && !this.#broken) this.#send({ kind: "password", port }, [port]);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#options.warn(`warning: the password of Redis cannot be read anew: ${error.message}`);
    }
  }

  #fail(error: AppError): void {
    this.#ready.reject(error);
    if (this.#broken) return;
    this.#broken = true;
    this.#options.onBroken(error);
  }

  #send(message: StateMessage, ports: readonly MessagePort[]): void {
    this.#worker.postMessage(message, [...ports]);
  }

  [Symbol.dispose](): void {
    this.#broken = true;
    clearTimeout(this.#renewal);
    this.#worker.terminate();
  }
}

/** Whether a state worker made from one bundle serves another. */
export function sameState(a: StateSource, b: StateSource): boolean {
  return JSON.stringify(describe(a)) === JSON.stringify(describe(b));
}

function describe({ state, backends, network }: StateSource): unknown {
  if (state.kind === "memory") return state;
  const backend = state.password === undefined ? undefined : backends.get(state.password.backend);
  return { state, roots: network.upstreamCa, backend };
}

/** It stays on its port, unread. */
async function readPassword(
  { backend: name, secret }: StatePassword,
  { backends }: StateSource,
  { root }: StateOptions,
): Promise<ResolveOutcome> {
  const backend = backends.get(name);
  if (backend === undefined) {
    throw new AppError("INTERNAL", "Cannot read the password of Redis: its backend is missing");
  }
  const ref = parseSecretRef(secret);
  const wanted = [{ id: "password", provider: backend.provider, ref, options: backend.options }];
  const outcome = await resolveAll(wanted, new Map(), { root });
  const [failed] = outcome.failed;
  if (failed !== undefined) throw failed.error;
  return outcome;
}
