/** What a contained child may have of the caller's environment, each group with its reason. Nothing here carries authority. */
const PASSED: readonly (readonly [reason: string, names: readonly string[]])[] = [
  ["finding programs", ["PATH", "PATHEXT", "SHELL", "ComSpec"]],
  ["who and where the user is", ["HOME", "USER", "LOGNAME", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "PWD"]],
  ["how the terminal draws", [
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "TERMINFO",
  ]],
  ["language and time", ["LANG", "LANGUAGE", "LC_*", "TZ"]],
  ["where temporary and user files go", ["TMPDIR", "TEMP", "TMP", "XDG_*", "APPDATA", "LOCALAPPDATA", "ProgramData"]],
  ["what Windows programs do not start without", ["SystemRoot", "SystemDrive", "windir", "OS", "NUMBER_OF_PROCESSORS"]],
  ["how programs talk to a person", ["EDITOR", "VISUAL", "PAGER"]],
  ["being told of automation", ["CI"]],
];

const PATTERNS = PASSED.flatMap(([, names]) => names);

/** XDG names that are sockets and not folders: whoever reaches the session bus reaches the keyring. */
const NEVER: ReadonlySet<string> = new Set(["XDG_RUNTIME_DIR", "KEYZERO_PASSPHRASE"]);

/** The caller's variables, divided. */
export interface InheritedEnvironment {
  readonly passed: Record<string, string>;
  /** Names only. */
  readonly withheld: readonly string[];
}

/**
 * Picks what a child in a clean environment inherits.
 *
 * @param keep Names, or prefixes as `LOG_*`, that the operator passes besides.
 */
export function inheritedEnvironment(
  caller: Readonly<Record<string, string>>,
  keep: readonly string[],
): InheritedEnvironment {
  const passed: Record<string, string> = {};
  const withheld: string[] = [];
  for (const [name, value] of Object.entries(caller)) {
    const wanted = keep.some((pattern) => matches(pattern, name)) && name !== "KEYZERO_PASSPHRASE";
    if (wanted || (!NEVER.has(name) && PATTERNS.some((pattern) => matches(pattern, name)))) passed[name] = value;
    else withheld.push(name);
  }
  return { passed, withheld };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
