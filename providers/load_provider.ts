import { AppError } from "../policy/error.ts";
import type { ProviderOptions } from "./options.ts";
import type { Provider } from "./provider.ts";

/** Every provider's name. */
export const PROVIDER_NAMES = ["keychain", "store", "env", "file", "dotenv", "aws", "keyzero"] as const;
export type ProviderName = typeof PROVIDER_NAMES[number];

/** Makes a provider from the options that its registry entry prepared. */
export type ProviderFactory = (options: ProviderOptions) => Provider;

// Literal specifiers, so that `deno compile` includes the modules; one import each, so that a worker loads one provider.
const LOAD: Record<ProviderName, () => Promise<ProviderFactory>> = {
  keychain: async () => (await import("./keychain.ts")).createKeychainProvider,
  store: async () => (await import("./store.ts")).createStoreProvider,
  env: async () => (await import("./env.ts")).createEnvProvider,
  file: async () => (await import("./file.ts")).createFileProvider,
  dotenv: async () => (await import("./dotenv.ts")).createDotenvProvider,
  aws: async () => (await import("./aws.ts")).createAwsProvider,
  keyzero: async () => (await import("./keyzero.ts")).createKeyzeroProvider,
};

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(LOAD, name);
}

/** @throws {AppError} `INTERNAL` for a name that the registry does not have. */
export async function loadProvider(name: string, options: ProviderOptions): Promise<Provider> {
  if (!isProviderName(name)) throw new AppError("INTERNAL", "Cannot load provider: the name is not in the registry");
  return (await LOAD[name]())(options);
}
