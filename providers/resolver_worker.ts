/// <reference lib="deno.worker" />
import { AppError, toWireError, type WireError } from "../policy/error.ts";
import { parseSecretRef, type SecretRef } from "../policy/secret_ref.ts";
import { containErrors } from "../policy/contain_errors.ts";
import { loadProvider } from "./load_provider.ts";
import type { ResolverReply, ResolverRequest, ValueMessage } from "./protocol.ts";
import type { Provider, Resolution, SecretRequest } from "./provider.ts";
import { describeSecret, providerError, readError, storeError } from "./provider_error.ts";
import { checkValue, equalBytes } from "./value.ts";

// The entry of a resolver worker. It asks for nothing: what it may do was decided where it was started.

/** Waits before each look at what was written: some backends show a write only after a moment. */
const VERIFY_DELAYS_MS = [0, 200, 1000] as const;

type Request<Kind extends ResolverRequest["kind"]> = Extract<ResolverRequest, { kind: Kind }>;

containErrors(self, () => {
  const reply: ResolverReply = { kind: "failed", error: toWireError(undefined) };
  self.postMessage(reply);
});

self.onmessage = (event: MessageEvent<ResolverRequest>) => {
  void answer(event.data).then((reply) => self.postMessage(reply));
};

async function answer(request: ResolverRequest): Promise<ResolverReply> {
  try {
    switch (request.kind) {
      case "resolve":
        return await resolve(request);
      case "put":
        await put(request);
        return { kind: "done" };
      case "check":
        await check(request);
        return { kind: "done" };
    }
  } catch (error) {
    return { kind: "failed", error: toWireError(error) };
  }
}

async function resolve(request: Request<"resolve">): Promise<ResolverReply> {
  const requests = request.secrets.map(({ id, ref }) => ({ id, ref: parseSecretRef(ref) }));
  const resolutions = await resolveAllOf(request, requests);
  const found: string[] = [];
  const failed: { id: string; error: WireError }[] = [];
  const lives = new Map<string, number>();
  for (const { id, ref } of requests) {
    const secret = { provider: request.provider.name, ref };
    try {
      const resolution = resolutions.get(id);
      send(request.values, id, valueOf(resolution, secret));
      found.push(id);
      if (resolution !== undefined && "bytes" in resolution && resolution.lifeMs !== undefined) {
        lives.set(id, resolution.lifeMs);
      }
    } catch (error) {
      failed.push({ id, error: toWireError(error) });
    }
  }
  // What was sent still arrives. A worker that reads again and again would otherwise gather ports.
  request.values.close();
  return { kind: "resolved", found, failed, lives };
}

/** What the provider says, by id. What it throws as a whole, or a time limit, becomes the answer for each. */
async function resolveAllOf(
  { provider, timeoutMs }: Request<"resolve">,
  requests: readonly SecretRequest[],
): Promise<ReadonlyMap<string, Resolution>> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const instance = await loadProvider(provider.name, provider.options);
    const resolutions = await within(instance.resolve(requests, { signal }), signal);
    return new Map(resolutions.map((resolution) => [resolution.id, resolution]));
  } catch (error) {
    return new Map(requests.map(({ id, ref }) => {
      const late = () =>
        readError({ code: "PROVIDER_TIMEOUT", provider: provider.name, ref }, noAnswer(timeoutMs), LATE);
      return [id, { id, error: signal.aborted ? late() : error }];
    }));
  }
}

/** @throws What the provider gave as the reason, or that the value is none. */
function valueOf(resolution: Resolution | undefined, secret: { provider: string; ref: SecretRef }): Uint8Array {
  if (resolution === undefined) {
    throw new AppError("INTERNAL", `Cannot read ${describeSecret(secret)}: no answer was given`);
  }
  if ("error" in resolution) throw resolution.error;
  try {
    checkValue(describeSecret(secret), "read", resolution.bytes);
  } catch (error) {
    resolution.bytes.fill(0);
    throw error;
  }
  return resolution.bytes;
}

/** Hands a value over. The buffer that goes holds nothing else; the one that stays is cleared. */
function send(values: MessagePort, id: string, bytes: Uint8Array): void {
  const own = bytes.slice();
  bytes.fill(0);
  const message: ValueMessage = { id, bytes: own };
  values.postMessage(message, [own.buffer]);
}

async function put({ provider, ref: text, bytes, timeoutMs }: Request<"put">): Promise<void> {
  const ref = parseSecretRef(text);
  const secret = { provider: provider.name, ref };
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    checkValue(describeSecret(secret), "store", bytes);
    const instance = await loadProvider(provider.name, provider.options);
    if (instance.put === undefined) {
      throw storeError({ code: "PROVIDER_READ_ONLY", ...secret }, "this provider can only be read");
    }
    await within(instance.put(ref, bytes, { signal }), signal);
    await within(verify(instance, { ...secret, bytes, signal }), signal);
  } catch (error) {
    throw signal.aborted ? storeError({ code: "PROVIDER_TIMEOUT", ...secret }, noAnswer(timeoutMs), LATE) : error;
  } finally {
    bytes.fill(0);
  }
}

/** Reads what was written back, so that "stored" means stored whole. */
async function verify(
  instance: Provider,
  secret: { provider: string; ref: SecretRef; bytes: Uint8Array; signal: AbortSignal },
): Promise<void> {
  let cause: unknown;
  for (const delayMs of VERIFY_DELAYS_MS) {
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const [resolution] = await instance.resolve([{ id: "", ref: secret.ref }], { signal: secret.signal });
    if (resolution !== undefined && "bytes" in resolution) {
      const same = equalBytes(resolution.bytes, secret.bytes);
      resolution.bytes.fill(0);
      if (same) return;
    } else cause = resolution?.error;
  }
  const state = cause === undefined ? "it reads back as something else" : "it was sent, but cannot be read back";
  throw storeError({ code: "PROVIDER_WRITE_FAILED", ...secret }, state, { cause });
}

async function check({ provider, timeoutMs }: Request<"check">): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const instance = await loadProvider(provider.name, provider.options);
    await within(instance.check({ signal }), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw providerError({ code: "PROVIDER_TIMEOUT", provider: provider.name }, noAnswer(timeoutMs), LATE);
  }
}

/** Ends with the signal even where a provider does not heed it. */
async function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await Promise.race([
    promise,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  ]);
}

const LATE = { hints: ["See whether the backend waits for somebody to unlock it, or cannot be reached"] };

function noAnswer(timeoutMs: number): string {
  return `there was no answer within ${timeoutMs / 1000} s`;
}
