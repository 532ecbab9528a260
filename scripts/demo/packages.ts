/** The published programs that the demo runs, exactly as npm serves them. */
export const PACKAGES = {
  "@modelcontextprotocol/server-everything": "2026.8.31",
  "@modelcontextprotocol/server-github": "2025.4.8",
  // A database driver whose error message for a wrong scheme holds the whole connection URL.
  "mariadb": "3.5.4",
} as const;

export type PackageName = keyof typeof PACKAGES;

/** Where the packages are, and how a program in them is started. */
export interface InstalledPackages {
  /** `Node 20.20.2` or `Deno 2.9.6`. */
  readonly runtime: string;
  /** A command line that runs the script at `path`. */
  run(path: string, ...args: string[]): string[];
  /** The path of a file in a package. */
  file(name: PackageName, path: string): string;
  /** The directory of `node_modules`. */
  readonly directory: string;
}

/**
 * Puts the packages into `directory` unless they are there, with Deno's own npm client, so that a machine without npm
 * can do it too. No install script is run.
 */
export async function installPackages(directory: string): Promise<InstalledPackages> {
  const file = (name: PackageName, path: string) => `${directory}/node_modules/${name}/${path}`;
  if (!await areInstalled(file)) {
    await Deno.mkdir(directory, { recursive: true });
    // A configuration of its own, so that the packages do not enter the project's lock file.
    await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify({ nodeModulesDir: "auto" }));
    await Deno.writeTextFile(`${directory}/package.json`, JSON.stringify({ private: true, dependencies: PACKAGES }));
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["install", "--quiet"],
      cwd: directory,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) throw new Error(`Cannot install packages from npm:\n${new TextDecoder().decode(stderr)}`);
  }
  const node = await nodeVersion();
  return {
    directory,
    file,
    runtime: node === undefined ? `Deno ${Deno.version.deno} (no Node in PATH)` : `Node ${node}`,
    run: node === undefined
      ? (path, ...args) => [Deno.execPath(), "run", "--quiet", "--allow-all", path, ...args]
      : (path, ...args) => ["node", path, ...args],
  };
}

async function areInstalled(file: InstalledPackages["file"]): Promise<boolean> {
  for (const [name, version] of Object.entries(PACKAGES)) {
    try {
      const manifest: unknown = JSON.parse(await Deno.readTextFile(file(name as PackageName, "package.json")));
      const found = typeof manifest === "object" && manifest !== null && "version" in manifest && manifest.version;
      if (found !== version) return false;
    } catch {
      return false;
    }
  }
  return true;
}

async function nodeVersion(): Promise<string | undefined> {
  try {
    const { code, stdout } = await new Deno.Command("node", { args: ["--version"], stderr: "null" }).output();
    return code === 0 ? new TextDecoder().decode(stdout).trim().replace(/^v/, "") : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
