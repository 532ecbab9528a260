import { type WorkerPermissions, workerPermissions } from "../../permissions.ts";
import { authorityOf } from "../supervisor/listen_address.ts";
import { WorkerHandle } from "../worker_handle.ts";
import type { FrontGeneration, FrontListen, FrontMessage, FrontReport, FrontSetup } from "./protocol.ts";

/** Compiling the rules of a large bundle takes seconds at most. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The address that it listens on, or nothing. */
export function frontPermissions(listen: FrontListen | undefined): WorkerPermissions {
  return workerPermissions("server-front", { net: listen === undefined ? [] : [authorityOf(listen)] });
}

/** The front worker of a server. */
export class FrontProcess implements Disposable {
  readonly #handle: WorkerHandle<FrontMessage, FrontReport>;

  /** @param listen Where it may listen, and nothing else. */
  constructor(listen: FrontListen | undefined) {
    const worker = new Worker(new URL("./front_worker.ts", import.meta.url), {
      type: "module",
      name: "kz-front",
      deno: { permissions: frontPermissions(listen) },
    });
    this.#handle = new WorkerHandle(worker, "front");
  }

  set onBroken(told: WorkerHandle<FrontMessage, FrontReport>["onBroken"]) {
    this.#handle.onBroken = told;
  }

  /** Told of faults of ours. */
  set onReport(told: (report: FrontReport) => void) {
    this.#handle.onReport = told;
  }

  /** @returns The port that it listens on; undefined if it does not. */
  async start(setup: Omit<FrontSetup, "kind">): Promise<number | undefined> {
    const { audit, stdio, jwtFile } = setup;
    const ports = [audit, stdio, jwtFile, ...portsOf(setup)].filter((port) => port !== undefined);
    const ready = await this.#handle.ask({ kind: "start", ...setup }, "ready", {
      ports,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    return ready.port;
  }

  async renew(generation: FrontGeneration): Promise<void> {
    const message = { kind: "renew", ...generation } as const;
    await this.#handle.ask(message, "renewed", { ports: portsOf(generation), timeoutMs: ANSWER_TIMEOUT_MS });
  }

  /** Ends it once what has begun is finished, or the time is over. */
  async end(graceMs: number): Promise<void> {
    await this.#handle.ask({ kind: "end", graceMs }, "ended", { timeoutMs: graceMs + 1000 });
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}

function portsOf({ edge, jwks, vault, state }: FrontGeneration): MessagePort[] {
  return [edge, jwks, vault, state];
}
