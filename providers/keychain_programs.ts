/**
 * The one program that reaches each system's keychain.
 *
 * macOS and Windows have theirs at a fixed place; `secret-tool` is wherever the distribution puts it, so PATH decides.
 */
export const KEYCHAIN_PROGRAM: Partial<Record<typeof Deno.build.os, string>> = {
  darwin: "/usr/bin/security",
  linux: "secret-tool",
  windows: "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
};

/** What the program needs of the caller's environment: where the session bus is, and where to ask for a password. */
export const KEYCHAIN_ENV: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: ["HOME", "USER"],
  linux: ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"],
  windows: ["SystemRoot", "TEMP", "USERPROFILE"],
};

/** The environment of the keychain program, taken from the caller's. */
export function keychainEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of KEYCHAIN_ENV[Deno.build.os] ?? []) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
