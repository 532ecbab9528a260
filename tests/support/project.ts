import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { kz, type KzOptions, type KzResult, makeHome } from "./kz.ts";

export interface ProjectOptions {
  /** The text of `.keyzero.toml`; absent: no such file. */
  readonly toml?: string;
  /** Further files, by path relative to the project; directories are made. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A project in a temporary directory with a home of its own; both end with the scope. */
export class Project implements AsyncDisposable {
  /** The directory of `.keyzero.toml`, without symbolic links. */
  readonly dir: string;
  readonly home: string;

  constructor(dir: string, home: string) {
    this.dir = dir;
    this.home = home;
  }

  /** Runs kz in the project; files in the home stay from call to call. */
  kz(args: readonly string[], options: Omit<KzOptions, "home"> = {}): Promise<KzResult> {
    return kz(args, { cwd: this.dir, ...options, home: this.home });
  }

  async write(path: string, content: string): Promise<void> {
    const full = `${this.dir}/${path}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
    await Deno.remove(this.home, { recursive: true });
  }
}

/** Makes a project; `await using project = await makeProject({ toml })`. */
export async function makeProject(options: ProjectOptions = {}): Promise<Project> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "kz-project-" }));
  const project = new Project(dir, await makeHome());
  if (options.toml !== undefined) await project.write(".keyzero.toml", options.toml);
  for (const [path, content] of Object.entries(options.files ?? {})) await project.write(path, content);
  return project;
}

/** A value that occurs nowhere else, for one secret of one test; 32 hex digits after a readable label. */
export function makeCanary(label = "canary"): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return `${label}-${Buffer.from(random).toString("hex")}`;
}

/** The shapes in which a value may leak, each with its name. */
export function canaryForms(value: string): readonly (readonly [name: string, form: string])[] {
  const bytes = Buffer.from(value);
  const forms: [string, string][] = [
    ["raw", value],
    ["hex", bytes.toString("hex")],
    ["upper-case hex", bytes.toString("hex").toUpperCase()],
    ["percent", Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("")],
    ["URI component", encodeURIComponent(value)],
    ["reversed", Array.from(value).reverse().join("")],
  ];
  // The value at each of the three positions in a group of three bytes; only characters that depend on it alone.
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(/=+$/, "");
    const inner = encoded.slice(offset === 0 ? 0 : offset + 1, encoded.length - 2);
    forms.push([`base64 at ${offset}`, inner], [
      `base64url at ${offset}`,
      inner.replace(/\+/g, "-").replace(/\//g, "_"),
    ]);
  }
  return forms;
}

/** Names the first form of `value` in `haystack`; undefined if there is none. */
export function findLeak(value: string, haystack: string | Uint8Array): string | undefined {
  const bytes = Buffer.from(haystack);
  return canaryForms(value).find(([, form]) => bytes.includes(form))?.[0];
}

/** Fails if `value` occurs, in any form, in `haystack`; the message holds only `where` and the form's name. */
export function assertNoLeak(value: string, haystack: string | Uint8Array, where: string): void {
  assert.equal(findLeak(value, haystack), undefined, `the real value is in ${where}`);
}
