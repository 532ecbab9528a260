import { dirname, join } from "node:path";

/** How soon a change is seen. A look takes a millisecond. */
const LOOK_MS = 500;
/** Files beside the bundle that are looked at; of a directory with more, the bundle alone is. */
const MAX_FILES = 64;

/**
 * Tells of changes around a bundle: in its own directory, where files are replaced and mounted volumes move their links.
 * Whether the bundle is another one is for the reader to find out.
 *
 * It looks again and again. Not every mounted volume tells of changes, and Deno's watcher opens what it is told of: a
 * named pipe in the directory would stop it for ever, and with it the end of the program.
 */
export class BundleWatch implements Disposable {
  readonly #look: () => Promise<string>;
  readonly #onChange: () => void;
  #before: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  private constructor(look: () => Promise<string>, before: string, onChange: () => void) {
    this.#look = look;
    this.#before = before;
    this.#onChange = onChange;
    this.#lookLater();
  }

  /**
   * A change after this is not missed.
   *
   * @param ignored A file beside the bundle that says nothing of it: an audit log, which is written all the time.
   */
  static async start(path: string, onChange: () => void, ignored?: string): Promise<BundleWatch> {
    const look = () => stateAround(path, ignored);
    return new BundleWatch(look, await look(), onChange);
  }

  #lookLater(): void {
    this.#timer = setTimeout(async () => {
      const now = await this.#look();
      if (this.#isEnded) return;
      if (now !== this.#before) this.#onChange();
      this.#before = now;
      this.#lookLater();
    }, LOOK_MS);
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
  }
}

/** What tells one state of the files from another. Links are followed, and nothing is opened. */
async function stateAround(path: string, ignored: string | undefined): Promise<string> {
  const directory = dirname(path);
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) paths.push(join(directory, name));
  } catch {
    // It is gone, or is being replaced.
  }
  const looked = paths.length > MAX_FILES ? [path] : paths.filter((one) => one !== ignored).sort();
  return (await Promise.all(looked.map(stateOf))).join("\n");
}

async function stateOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    return [path, dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
  } catch {
    return path;
  }
}
