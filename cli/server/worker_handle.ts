import { AppError, fromWireError, type WireError } from "../../policy/error.ts";

/** What every worker of the server reports, besides its own kinds. */
type Report = { readonly kind: string } | { readonly kind: "failed"; readonly error: WireError };

/** The supervisor's side of one worker: messages go in, reports come out. It ends with the scope. */
export class WorkerHandle<In, Out extends Report> implements Disposable {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #waiting = new Map<string, PromiseWithResolvers<Out>>();
  /** Told when the worker breaks after it has been started; before, whoever waits is told. */
  onBroken: (error: AppError) => void = () => {};

  /** Told of what nobody waits for. */
  onReport: (report: Out) => void = () => {};

  /** @param name For messages: "front", "edge". */
  constructor(worker: Worker, name: string) {
    this.#worker = worker;
    this.#name = name;
    worker.onmessage = ({ data }: MessageEvent<Out>) => {
      if (data.kind === "failed" && "error" in data) return this.#fail(fromWireError(data.error));
      const waiting = this.#waiting.get(data.kind);
      this.#waiting.delete(data.kind);
      if (waiting === undefined) this.onReport(data);
      else waiting.resolve(data);
    };
    worker.onerror = (event) => {
      // Not printed: what a broken worker says might hold a value.
      event.preventDefault();
      this.#fail(new AppError("INTERNAL", `Cannot go on: the ${name} worker ended unexpectedly`));
    };
  }

  #fail(error: AppError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.reject(error);
    if (waiting.length === 0) this.onBroken(error);
  }

  send(message: In, ports: readonly MessagePort[] = []): void {
    this.#worker.postMessage(message, [...ports]);
  }

  /**
   * Sends a message and waits for a report.
   *
   * @throws {AppError} what the worker failed with; `INTERNAL` if it says nothing in time.
   */
  async ask<Kind extends Out["kind"]>(
    message: In,
    kind: Kind,
    { ports = [], timeoutMs }: { ports?: readonly MessagePort[]; timeoutMs: number },
  ): Promise<Extract<Out, { kind: Kind }>> {
    const waiting = Promise.withResolvers<Out>();
    this.#waiting.set(kind, waiting);
    const timer = setTimeout(
      () => waiting.reject(new AppError("INTERNAL", `Cannot go on: the ${this.#name} worker does not answer`)),
      timeoutMs,
    );
    try {
      this.send(message, ports);
      // Resolved by reports of this kind alone.
      return await waiting.promise as Extract<Out, { kind: Kind }>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(kind);
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
