import type { Bundle } from "../../../policy/server/bundle.ts";
import { sameState, StateProcess } from "../state/state_process.ts";
import { type ServerContext, ServerGeneration } from "./server_generation.ts";

/**
 * Fetches that were decided by the bundle before may be on their way to its edge still, which turns away what comes once it
 * ends: those whose JWT is being verified, or whose redirect is followed.
 */
const HANDOVER_MS = 2_000;

/** The bundle that a server decides by at present, with the workers it was given. */
export class BundleInForce implements AsyncDisposable {
  readonly #context: ServerContext;
  #state: StateProcess;
  #generation: ServerGeneration;
  /** Workers of bundles before, which still finish what they have begun. */
  readonly #ending = new Set<Promise<void>>();
  /** Aborted when the server ends. */
  readonly #end = new AbortController();

  constructor(context: ServerContext, state: StateProcess, generation: ServerGeneration) {
    // A port of the proxy that was chosen by the system is kept over reloads.
    const port = generation.proxyPort;
    const proxy = context.proxy === undefined || port === undefined ? context.proxy : { ...context.proxy, port };
    this.#context = { ...context, proxy };
    this.#state = state;
    this.#generation = generation;
  }

  /** @throws {AppError} if a worker cannot start. */
  static async start(bundle: Bundle, context: ServerContext): Promise<BundleInForce> {
    using opened = new DisposableStack();
    const state = opened.use(await startState(bundle, context));
    const generation = await ServerGeneration.start(bundle, state, context);
    opened.move();
    return new BundleInForce(context, state, generation);
  }

  get generation(): ServerGeneration {
    return this.#generation;
  }

  /**
   * Puts another bundle in force: whole, or not at all.
   *
   * @param hand Gives the new workers' ports to the front, which decides by them from then on.
   * @throws {AppError} if a worker cannot start; then the bundle before stays in force, and its proxy too.
   */
  async replace(bundle: Bundle, hand: (generation: ServerGeneration) => Promise<void>): Promise<void> {
    const [stateBefore, before] = [this.#state, this.#generation];
    const keepsState = sameState(bundle, before.bundle);
    await using opened = new AsyncDisposableStack();
    // Two cannot listen on one address: connections that come in between are refused for some milliseconds.
    const takeBack = before.yieldProxy();
    opened.defer(takeBack);
    const state = keepsState ? stateBefore : opened.use(await startState(bundle, this.#context));
    const next = opened.use(await ServerGeneration.start(bundle, state, this.#context));
    await hand(next);
    opened.move();
    this.#state = state;
    this.#generation = next;
    // Not waited for: what was decided by it may still be under way.
    this.#endLater(async () => {
      await pause(HANDOVER_MS, this.#end.signal);
      await before[Symbol.asyncDispose]();
      if (!keepsState) stateBefore[Symbol.dispose]();
    });
  }

  #endLater(end: () => Promise<void>): void {
    const ending = end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#generation[Symbol.asyncDispose]();
    await Promise.all(this.#ending);
    this.#state[Symbol.dispose]();
  }
}

function startState(bundle: Bundle, { root, warn, onBroken }: ServerContext): Promise<StateProcess> {
  return StateProcess.start(bundle, { root, warn, onBroken });
}

/** Waits, or until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
