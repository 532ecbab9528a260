import { AppError, fromWireError } from "../../policy/error.ts";
import type { SecretRef } from "../../policy/secret_ref.ts";
import type { ResolverReply } from "../../providers/protocol.ts";
import { providerError, storeError } from "../../providers/provider_error.ts";
import { getProvider } from "../../providers/registry.ts";
import { type ProviderTables, RESOLVE_TIMEOUT_MS, type ResolveOptions } from "./resolve_all.ts";
import { Resolver } from "./resolver.ts";
import { thisMachine } from "./this_machine.ts";

/**
 * Stores a value with a provider, in a worker of its own, and reads it back to see that it is there whole.
 *
 * @param secret `bytes` are UTF-8 and owned by this call from now on, and cleared.
 * @throws {AppError} `PROVIDER_READ_ONLY`, `PROVIDER_VALUE_INVALID`, `PROVIDER_WRITE_FAILED` or what the provider says;
 * none holds the value. The signal's reason once it has fired.
 */
export async function putSecret(
  secret: { readonly provider: string; readonly ref: SecretRef; readonly bytes: Uint8Array },
  providers: ProviderTables,
  { signal = new AbortController().signal, timeoutMs = RESOLVE_TIMEOUT_MS, root }: ResolveOptions,
): Promise<void> {
  try {
    const machine = thisMachine(root);
    const entry = getProvider(secret.provider);
    const ref = entry.parseRef(secret.ref, machine);
    if (!entry.writable) {
      throw storeError({ code: "PROVIDER_READ_ONLY", provider: entry.name, ref }, "this provider can only be read", {
        hints: ['Store it with the provider "keychain" or "store"'],
      });
    }
    const options = providers.get(entry.name) ?? {};
    using resolver = new Resolver({ entry, options, refs: [ref], action: "put", machine });
    signal.throwIfAborted();
    // The copy goes over whole; what stays here is cleared.
    const own = secret.bytes.slice();
    const reply = await resolver.ask(
      { kind: "put", provider: resolver.setup, ref, bytes: own, timeoutMs },
      { transfer: [own.buffer], signal },
    );
    expectDone(entry.name, reply, timeoutMs);
  } finally {
    secret.bytes.fill(0);
  }
}

/**
 * Sees whether a provider can be used on this machine now.
 *
 * @throws {AppError} with hints if not. The signal's reason once it has fired.
 */
export async function checkProvider(
  name: string,
  providers: ProviderTables,
  { signal = new AbortController().signal, timeoutMs = RESOLVE_TIMEOUT_MS, root }: ResolveOptions,
): Promise<void> {
  const entry = getProvider(name);
  const options = providers.get(entry.name) ?? {};
  using resolver = new Resolver({ entry, options, refs: [], action: "check", machine: thisMachine(root) });
  const reply = await resolver.ask(
    { kind: "check", provider: resolver.setup, timeoutMs },
    { transfer: [], signal },
  );
  expectDone(entry.name, reply, timeoutMs);
}

function expectDone(provider: string, reply: ResolverReply | undefined, timeoutMs: number): void {
  if (reply === undefined) {
    throw providerError(
      { code: "PROVIDER_TIMEOUT", provider: provider },
      `there was no answer within ${timeoutMs / 1000} s`,
    );
  }
  if (reply.kind === "failed") throw fromWireError(reply.error);
  if (reply.kind !== "done") throw new AppError("INTERNAL", `Cannot use provider "${provider}": its worker misspoke`);
}
