import { parseSecretRef } from "../../policy/secret_ref.ts";
import type { ProviderOptions } from "../options.ts";
import { createStoreProvider } from "../store.ts";

const { signal } = new AbortController();

/** A directory for one test; it goes with the scope. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "kz-store-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Sets a variable until the scope ends. */
export function setVariable(name: string, value: string): Disposable {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  return {
    [Symbol.dispose]: () => before === undefined ? Deno.env.delete(name) : Deno.env.set(name, before),
  };
}

/** A store with text in place of bytes. */
export function storeOf(options: ProviderOptions) {
  const provider = createStoreProvider(options);
  return {
    provider,
    put: (name: string, text: string) =>
      provider.put!(parseSecretRef(name), new TextEncoder().encode(text), { signal }),
    /** @throws What the provider gave as the reason. */
    async get(name: string): Promise<string> {
      const [resolution] = await provider.resolve([{ id: "", ref: parseSecretRef(name) }], { signal });
      if (resolution === undefined || "error" in resolution) throw resolution?.error;
      return new TextDecoder().decode(resolution.bytes);
    },
  };
}
