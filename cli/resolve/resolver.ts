import { AppError } from "../../policy/error.ts";
import type { SecretRef } from "../../policy/secret_ref.ts";
import type { Machine } from "../../providers/machine.ts";
import type { ProviderSetup, ResolverReply, ResolverRequest } from "../../providers/protocol.ts";
import type { ProviderAction, ProviderEntry } from "../../providers/registry.ts";
import { type WorkerPermissions, workerPermissions } from "../permissions.ts";

/** How long a worker may take to say that it ran out of time, before it is ended without a word. */
const GRACE_MS = 1000;

/** What a resolver worker is started for. */
export interface ResolverTask {
  readonly entry: ProviderEntry;
  /** Of the `[providers.<name>]` table. */
  readonly options: Readonly<Record<string, unknown>>;
  /** As the entry's `parseRef()` gives them. */
  readonly refs: readonly SecretRef[];
  readonly action: ProviderAction;
  readonly machine: Machine;
}

/** The least that a resolver worker needs for its task. */
export function resolverPermissions(
  { entry, refs, machine, action }: Omit<ResolverTask, "options">,
  { options }: ProviderSetup,
): WorkerPermissions {
  return workerPermissions(`resolver-${entry.name}`, entry.permissions(options, refs, { machine, action }));
}

/** A resolver worker; it ends with the scope. */
export class Resolver implements Disposable {
  readonly setup: ProviderSetup;
  readonly #worker: Worker;

  /**
   * Starts a worker with the least permissions for its task.
   *
   * @throws {AppError} as the entry's `parseOptions()` and `prepare()` do.
   */
  constructor(task: ResolverTask) {
    const { entry, options, machine } = task;
    this.setup = { name: entry.name, options: entry.prepare(entry.parseOptions(options), machine) };
    this.#worker = new Worker(new URL("../../providers/resolver_worker.ts", import.meta.url), {
      type: "module",
      name: `kz-resolver-${entry.name}`,
      deno: { permissions: resolverPermissions(task, this.setup) },
    });
  }

  /**
   * Asks once.
   *
   * @param transfer Buffers and ports that go over with the request.
   * @returns The reply; `undefined` when the worker did not even say that it ran out of time.
   * @throws {AppError} `INTERNAL` if the worker broke; the signal's reason once it has fired.
   */
  async ask(
    request: ResolverRequest,
    { transfer, signal }: { transfer: Transferable[]; signal: AbortSignal },
  ): Promise<ResolverReply | undefined> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ResolverReply | undefined>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => resolve(undefined), request.timeoutMs + GRACE_MS);
    this.#worker.onmessage = ({ data }: MessageEvent<ResolverReply>) => resolve(data);
    this.#worker.onerror = (event) => {
      // Not printed: what a broken worker says might hold a value.
      event.preventDefault();
      reject(new AppError("INTERNAL", `Cannot use provider "${this.setup.name}": its worker ended unexpectedly`));
    };
    try {
      this.#worker.postMessage(request, transfer);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
