import { AppError } from "../../../policy/error.ts";
import { CHAIN_START, type ChainPosition, type SealedLine } from "./audit_line.ts";
import { type AuditSink, type PreparedSink, SinkFailure } from "./audit_sink.ts";
import { otlpRequest, rejectedRecords } from "./otlp_request.ts";

/** How long callers wait for a collector, all attempts taken together. */
const WRITE_TIMEOUT_MS = 5_000;
const ATTEMPT_TIMEOUT_MS = 3_000;
const FIRST_BACKOFF_MS = 100;
/** How long nothing is tried after a collector did not answer: callers are refused at once meanwhile. */
const PAUSE_MS = 2_000;
/** An `ExportLogsServiceResponse` is some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** OTLP/HTTP §Retryable Response Codes; every other failure is final. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

type Attempt =
  | { readonly kind: "accepted" }
  /** It may be tried again. */
  | { readonly kind: "failed"; readonly state: string; readonly waitMs: number | undefined }
  /** It must not be tried again; `taken`: some records may have been accepted. */
  | { readonly kind: "refused"; readonly state: string; readonly taken: boolean };

export interface OtlpSinkOptions {
  /** PEM, besides the usual roots. */
  readonly roots: readonly string[];
  readonly writeTimeoutMs?: number;
  readonly pauseMs?: number;
}

/**
 * A collector that is spoken to in OTLP/HTTP with JSON. Lines are acknowledged once it has answered that all were
 * accepted. A new chain begins with each start.
 *
 * Lines that it may have taken without saying so are sent again before any other, so that its chain has no gap.
 */
export class OtlpSink implements AuditSink {
  readonly #url: string;
  readonly #options: OtlpSinkOptions;
  readonly #client: Deno.HttpClient;
  readonly #ended = new AbortController();
  #isNew = true;
  /** Were sent and not answered. */
  #unanswered: readonly SealedLine[] | undefined;
  /** Nothing is tried before this; of `performance.now()`. */
  #pausedUntil = 0;
  #state = "";

  constructor(url: string, options: OtlpSinkOptions) {
    this.#url = url;
    this.#options = options;
    this.#client = Deno.createHttpClient({ caCerts: [...options.roots] });
  }

  async prepare(expected: ChainPosition | undefined): Promise<PreparedSink> {
    if (this.#unanswered !== undefined) {
      if (performance.now() < this.#pausedUntil) throw this.#unavailable(this.#state);
      const attempt = await this.#attempt(this.#unanswered, ATTEMPT_TIMEOUT_MS);
      if (attempt.kind === "failed") throw this.#pause(attempt.state);
      // Refused for good: the gap shows.
      this.#unanswered = undefined;
    }
    return { after: expected ?? CHAIN_START, isNew: this.#isNew, removedBytes: 0 };
  }

  async write(lines: readonly SealedLine[]): Promise<void> {
    const attempt = await this.#attempts(lines);
    if (attempt.kind === "accepted") {
      this.#isNew = false;
      return;
    }
    const mayBeOut = attempt.kind === "failed" || attempt.taken;
    if (mayBeOut) this.#isNew = false;
    if (attempt.kind === "refused") throw new SinkFailure(this.#unavailable(attempt.state), { mayBeOut });
    this.#unanswered = lines;
    throw new SinkFailure(this.#pause(attempt.state), { mayBeOut });
  }

  reopen(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#client.close();
    return Promise.resolve();
  }

  /** Tries as long as callers may wait, with pauses that grow and are never the same (OTLP/HTTP §Connection). */
  async #attempts(lines: readonly SealedLine[]): Promise<Attempt> {
    const end = performance.now() + (this.#options.writeTimeoutMs ?? WRITE_TIMEOUT_MS);
    for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs *= 2) {
      const attempt = await this.#attempt(lines, Math.min(ATTEMPT_TIMEOUT_MS, end - performance.now()));
      if (attempt.kind !== "failed") return attempt;
      const waitMs = attempt.waitMs ?? backoffMs * (0.5 + Math.random());
      if (performance.now() + waitMs >= end) return attempt;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #attempt(lines: readonly SealedLine[], timeoutMs: number): Promise<Attempt> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: otlpRequest(lines),
        redirect: "manual",
        client: this.#client,
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(Math.max(1, timeoutMs))]),
      });
      return await readAnswer(response);
    } catch {
      return { kind: "failed", state: "it does not answer", waitMs: undefined };
    }
  }

  #pause(state: string): AppError {
    this.#state = state;
    this.#pausedUntil = performance.now() + (this.#options.pauseMs ?? PAUSE_MS);
    return this.#unavailable(state);
  }

  #unavailable(state: string): AppError {
    return new AppError("AUDIT_UNWRITABLE", `Cannot send audit log to "${this.#url}": ${state}`);
  }
}

/** @throws what ends the reading of the body. */
async function readAnswer(response: Response): Promise<Attempt> {
  const { status, ok, headers } = response;
  if (!ok) {
    await response.body?.cancel();
    const state = `it answers with status ${status}`;
    if (!RETRYABLE.has(status)) return { kind: "refused", state, taken: false };
    const seconds = /^\d{1,4}$/.exec(headers.get("retry-after") ?? "")?.[0];
    return { kind: "failed", state, waitMs: seconds === undefined ? undefined : Number(seconds) * 1000 };
  }
  const text = await readText(response);
  const rejected = text === undefined ? undefined : rejectedRecords(text);
  if (rejected === 0) return { kind: "accepted" };
  return rejected === undefined
    ? { kind: "refused", state: "its answer is none of OTLP in JSON", taken: true }
    : { kind: "refused", state: "it refuses some of the records", taken: true };
}

/** @returns Undefined for what is too long. */
async function readText(response: Response): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) return undefined;
  }
  return text;
}
