import { dirname } from "node:path";

/** Editors and volume mounts touch a directory several times for one change. */
const SETTLE_MS = 300;

/**
 * Tells of changes around a bundle: in its own directory, where files are replaced and mounted volumes move their links.
 * Whether the bundle is another one is for the reader to find out.
 */
export class BundleWatch implements Disposable {
  readonly #watcher: Deno.FsWatcher;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, onChange: () => void) {
    this.#watcher = Deno.watchFs(dirname(path), { recursive: false });
    void this.#follow(onChange);
  }

  async #follow(onChange: () => void): Promise<void> {
    for await (const { kind } of this.#watcher) {
      if (kind === "access") continue;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(onChange, SETTLE_MS);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }
}
