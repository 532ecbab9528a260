/**
 * Runs a script in a session of its own with a Secret Service (gnome-keyring).
 *
 * Needs `dbus-run-session`, `gnome-keyring-daemon` and `secret-tool`: on Debian and Ubuntu the packages dbus, gnome-keyring
 * and libsecret-tools.
 */
export const SECRET_SERVICE_PROGRAMS = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"] as const;

/** Whether this machine has what {@linkcode runWithSecretService} needs. */
export function hasSecretService(): boolean {
  return Deno.build.os === "linux" && SECRET_SERVICE_PROGRAMS.every(isInstalled);
}

export function isInstalled(program: string): boolean {
  try {
    // Any status will do: it was found.
    new Deno.Command(program, { args: ["--help"], stdin: "null", stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    return false;
  }
}

/** The daemon is unlocked with a password on stdin, which also makes its first collection; it ends with the bus. */
const START = 'printf kz-test | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"';

/**
 * @param script A module to run with Deno, with its arguments.
 * @param options `home`: of the session, with the keyring's files; `unlocked`: false leaves what is in them locked.
 * @returns Its status and output.
 */
export async function runWithSecretService(
  script: readonly [URL, ...string[]],
  { home, unlocked = true }: { home: string; unlocked?: boolean },
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const [module, ...args] = script;
  const deno = [Deno.execPath(), "run", "--allow-all", "--no-prompt", module.pathname, ...args];
  const output = await new Deno.Command("dbus-run-session", {
    args: ["--", "sh", "-c", unlocked ? START : 'exec "$@"', "sh", ...deno],
    env: {
      DENO_DIR: denoDirectory(),
      HOME: home,
      XDG_DATA_HOME: `${home}/.local/share`,
      XDG_RUNTIME_DIR: home,
      DISPLAY: "",
    },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success: output.success, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

/** The cache of this very run, so that a program with another home finds its packages. */
export function denoDirectory(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;
}
