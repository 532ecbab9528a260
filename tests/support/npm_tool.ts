/** A tool's packages may have to be downloaded. */
const TIMEOUT_MS = 120_000;

export interface ToolResult {
  readonly status: number;
  /** Standard output and error. */
  readonly output: string;
  readonly stdout: string;
}

/**
 * Runs a program of an npm package, by Deno: some need a newer Node than a machine has.
 *
 * It runs beside the project: its packages are in no lock file of ours.
 *
 * @param program `package@version`, with `/name` for one of several programs.
 */
export async function npmTool(program: string, args: readonly string[]): Promise<ToolResult> {
  const cwd = await Deno.makeTempDir({ prefix: "kz-tool-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", "--no-config", "--no-lock", `npm:${program}`, ...args],
      cwd,
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).output();
    const text = new TextDecoder().decode(stdout);
    return { status: code, stdout: text, output: text + new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}
