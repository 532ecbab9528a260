import type { SecretRef } from "../policy/secret_ref.ts";
import { type KeychainBackend, KeychainFailure } from "./keychain_backend.ts";
import { DEFAULT_SERVICE, systemKeychain } from "./keychain_system.ts";
import type { ProviderOptions } from "./options.ts";
import type { Provider } from "./provider.ts";
import { providerError, readError, storeError } from "./provider_error.ts";
import { resolveEach } from "./resolve_each.ts";

/** An item that nobody makes, looked up to see whether the keychain answers. */
const PROBE_NAME = "kz-check";
const PROVIDER = { provider: "keychain" };

/** Secrets in the system's keychain; a reference is an item's name, within the service of the option `service`. */
export function createKeychainProvider(
  options: ProviderOptions,
  keychain: () => Promise<KeychainBackend> = systemKeychain,
): Provider {
  const service = options.service ?? DEFAULT_SERVICE;
  return {
    resolve: (requests, { signal }) =>
      resolveEach(requests, async (ref) => {
        const value = await attempt(readError, ref, async () => (await keychain()).get({ service, name: ref }, signal));
        if (value !== undefined) return value;
        throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", ...PROVIDER, ref }, "the keychain has no such item", {
          hints: ["Run `kz put` to store it"],
        });
      }),

    put: (ref, bytes, { signal }) =>
      attempt(storeError, ref, async () => {
        const backend = await keychain();
        if (bytes.length > backend.maxBytes) {
          const state = `the value is longer than the ${backend.maxBytes} bytes that this keychain keeps whole`;
          throw storeError({ code: "PROVIDER_VALUE_INVALID", ...PROVIDER, ref }, state, {
            hints: ['Use the provider "store" for long values'],
          });
        }
        await backend.set({ service, name: ref }, bytes, signal);
      }),

    async check({ signal }) {
      try {
        await (await keychain()).get({ service, name: PROBE_NAME }, signal);
      } catch (cause) {
        if (!(cause instanceof KeychainFailure)) throw cause;
        throw providerError({ code: CODE[cause.kind], ...PROVIDER }, cause.message, {
          cause,
          hints: HINTS[cause.kind],
        });
      }
    },
  };
}

async function attempt<T>(error: typeof readError, ref: SecretRef, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof KeychainFailure)) throw cause;
    throw error({ code: CODE[cause.kind], ...PROVIDER, ref }, cause.message, { cause, hints: HINTS[cause.kind] });
  }
}

const CODE = { missing: "PROVIDER_UNAVAILABLE", refused: "PROVIDER_ACCESS_DENIED" } as const;

const HINTS = {
  missing: [
    "On Linux, install libsecret-tools and run a Secret Service such as gnome-keyring or KeePassXC in the session",
    'On a machine without a keychain, use the provider "store"',
  ],
  refused: ["Unlock the keychain and try again"],
};
