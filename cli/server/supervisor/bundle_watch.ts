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

  /** @param ignored A file beside the bundle that says nothing of it: an audit log, which is written all the time. */
  constructor(path: string, onChange: () => void, ignored?: string) {
    this.#watcher = Deno.watchFs(dirname(path), { recursive: false });
    void this.#follow(onChange, ignored);
  }

  async #follow(onChange: () => void, ignored: string | undefined): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      if (kind === "access" || paths.every((path) => path === ignored)) continue;
      // Not begun anew by a later change: a file that is written all the time would put it off for ever.
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        onChange();
      }, SETTLE_MS);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }
}
