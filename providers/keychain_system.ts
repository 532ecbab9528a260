import { type KeychainBackend, KeychainFailure } from "./keychain_backend.ts";

/** The service name of items that `kz` makes. */
export const DEFAULT_SERVICE = "keyzero";

/** @throws {KeychainFailure} `missing` on a system that has no keychain we know. */
export async function systemKeychain(): Promise<KeychainBackend> {
  switch (Deno.build.os) {
    case "linux":
      return (await import("./keychain_linux.ts")).linuxKeychain;
    case "darwin":
      return (await import("./keychain_macos.ts")).macosKeychain;
    case "windows":
      return (await import("./keychain_windows.ts")).windowsKeychain;
    default:
      throw new KeychainFailure("missing", "this system has no keychain that kz knows");
  }
}
