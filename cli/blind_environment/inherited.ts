import { AppError } from "../../policy/error.ts";
import { isRuntimeVariable } from "./runtime_variables.ts";

/** What of the caller's environment a child gets, and the names of what it does not get. */
export interface Inherited {
  readonly passed: Record<string, string>;
  /** Sorted; for the hint when the child fails. Names only, never values. */
  readonly withheld: readonly string[];
}

export interface InheritOptions {
  /** `blind` sets proxy, CA and runtime variables itself and passes none of the caller's; `direct` is `--clean-env`. */
  readonly mode: "blind" | "direct";
  /** Names differ from each other in more than case; false on Windows. */
  readonly caseSensitive: boolean;
}

/**
 * What passes without being asked for: what programs need to find themselves, their user and their terminal, and nothing
 * that carries authority. A trailing `*` stands for any rest.
 *
 * Left out on purpose, since each is a way to act as the user: `SSH_AUTH_SOCK`, `GPG_AGENT_INFO`, `DBUS_SESSION_BUS_ADDRESS`
 * and `XDG_RUNTIME_DIR` (key agents, the session's secret store), `DISPLAY`, `WAYLAND_DISPLAY` and `XAUTHORITY` (other
 * programs' keyboards), `DOCKER_HOST` and `KUBECONFIG` (daemons that run anything), `LD_PRELOAD` and its like (code).
 */
const ALLOWED: readonly { readonly reason: string; readonly names: readonly string[] }[] = [
  { reason: "Programs are found", names: ["PATH", "MANPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] },
  { reason: "Who and where", names: ["HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "SHLVL", "HOSTNAME"] },
  {
    reason: "Terminals work and look the same",
    names: [
      "TERM",
      "TERMINFO",
      "TERMINFO_DIRS",
      "TERM_PROGRAM",
      "TERM_PROGRAM_VERSION",
      "COLORTERM",
      "COLORFGBG",
      "COLUMNS",
      "LINES",
      "NO_COLOR",
      "FORCE_COLOR",
      "CLICOLOR",
      "CLICOLOR_FORCE",
      "LS_COLORS",
      "LSCOLORS",
      "WT_SESSION",
    ],
  },
  { reason: "Language, character set and time", names: ["LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR"] },
  { reason: "Temporary files", names: ["TMPDIR", "TEMP", "TMP"] },
  {
    reason: "Files of the user and of the desktop; not the runtime directory, which holds agents' sockets",
    names: [
      "XDG_CACHE_HOME",
      "XDG_CONFIG_DIRS",
      "XDG_CONFIG_HOME",
      "XDG_CURRENT_DESKTOP",
      "XDG_DATA_DIRS",
      "XDG_DATA_HOME",
      "XDG_SESSION_TYPE",
      "XDG_STATE_HOME",
    ],
  },
  { reason: "Editing and paging", names: ["EDITOR", "VISUAL", "PAGER", "LESS", "GIT_EDITOR", "GIT_PAGER"] },
  { reason: "Automation knows that nobody watches", names: ["CI"] },
  { reason: "The environment's name", names: ["KEYZERO_ENV", "NODE_ENV", "RAILS_ENV", "RACK_ENV", "APP_ENV"] },
  {
    reason: "Toolchains are found; places only",
    names: [
      "ASDF_DATA_DIR",
      "ASDF_DIR",
      "BUN_INSTALL",
      "CARGO_HOME",
      "CONDA_DEFAULT_ENV",
      "CONDA_PREFIX",
      "DENO_DIR",
      "DENO_INSTALL",
      "FNM_DIR",
      "FNM_MULTISHELL_PATH",
      "GEM_HOME",
      "GEM_PATH",
      "GOBIN",
      "GOCACHE",
      "GOMODCACHE",
      "GOPATH",
      "GOROOT",
      "GOTOOLCHAIN",
      "JAVA_HOME",
      "MISE_DATA_DIR",
      "NODE_PATH",
      "NVM_BIN",
      "NVM_DIR",
      "PNPM_HOME",
      "PYENV_ROOT",
      "PYENV_VERSION",
      "PYTHONIOENCODING",
      "PYTHONPATH",
      "PYTHONUNBUFFERED",
      "PYTHONUTF8",
      "RBENV_ROOT",
      "RUSTUP_HOME",
      "RUSTUP_TOOLCHAIN",
      "SDKMAN_DIR",
      "VIRTUAL_ENV",
      "VOLTA_HOME",
    ],
  },
  {
    reason: "Windows programs do not start without",
    names: [
      "ALLUSERSPROFILE",
      "APPDATA",
      "CommonProgramFiles*",
      "CommonProgramW6432",
      "COMPUTERNAME",
      "ComSpec",
      "HOMEDRIVE",
      "HOMEPATH",
      "LOCALAPPDATA",
      "NUMBER_OF_PROCESSORS",
      "OS",
      "PATHEXT",
      "PROCESSOR_*",
      "ProgramData",
      "ProgramFiles*",
      "ProgramW6432",
      "PSModulePath",
      "PUBLIC",
      "SystemDrive",
      "SystemRoot",
      "USERDOMAIN",
      "USERNAME",
      "USERPROFILE",
      "windir",
    ],
  },
];

/** Where a direct child finds the machine's own roots; a proxy may hold a password and has to be kept by name. */
const DIRECT_ONLY: readonly string[] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "NIX_SSL_CERT_FILE"];

/** A name, or a prefix of at least one character and a star. `(` and `)` stand in names on Windows. */
const PATTERN_REGEXP = /^[A-Za-z_][\w.()-]*\*?$/;

/**
 * Splits the caller's environment.
 *
 * @param caller The caller's variables.
 * @param keep `NAME` or `PREFIX_*`, of `--keep-env` and `[blind] keep_env`; empty keeps nothing more.
 * @throws {AppError} `CONFIG_NAME_INVALID` if a pattern is neither. A star alone is refused: it would keep everything.
 */
export function inheritedEnvironment(
  caller: Readonly<Record<string, string>>,
  keep: readonly string[],
  options: InheritOptions,
): Inherited {
  keep.forEach(checkKeepPattern);
  const passed: Record<string, string> = { __proto__: null } as unknown as Record<string, string>;
  const withheld: string[] = [];
  const fold = (name: string) => options.caseSensitive ? name : name.toUpperCase();
  const allowed = matcher(
    [...ALLOWED.flatMap((group) => group.names), ...(options.mode === "direct" ? DIRECT_ONLY : []), ...keep].map(fold),
  );
  for (const [name, value] of Object.entries(caller)) {
    // Ours to set or to merge: that the child gets another value than the caller had is no loss worth a hint.
    if (options.mode === "blind" && isRuntimeVariable(name)) continue;
    if (allowed(fold(name))) passed[name] = value;
    else withheld.push(name);
  }
  return { passed, withheld: withheld.sort() };
}

/** @throws {AppError} `CONFIG_NAME_INVALID`; the message does not hold the pattern, which may be a pasted value. */
export function checkKeepPattern(pattern: string): void {
  if (PATTERN_REGEXP.test(pattern)) return;
  throw new AppError(
    "CONFIG_NAME_INVALID",
    "Cannot keep variables: a pattern is neither a name nor a prefix and a star",
    {
      hints: ['Write a variable\'s name, "LOG_LEVEL", or a prefix and a star, "LOG_*"'],
    },
  );
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
  const prefixes = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  return (name) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
