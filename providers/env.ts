import type { ProviderOptions } from "./options.ts";
import type { Provider } from "./provider.ts";
import { readError } from "./provider_error.ts";
import { resolveEach } from "./resolve_each.ts";

/** Secrets in the caller's environment; a reference is a variable's name. Read-only. */
export function createEnvProvider(_options: ProviderOptions): Provider {
  return {
    resolve: (requests) =>
      resolveEach(requests, (ref) => {
        const value = Deno.env.get(ref);
        if (value !== undefined) return new TextEncoder().encode(value);
        throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", provider: "env", ref }, "the variable is not set", {
          hints: [`Set the variable before kz is started, for example: export ${ref}=…`],
        });
      }),
    check: () => Promise.resolve(),
  };
}
