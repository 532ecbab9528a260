import type { DialSettings, DialTarget } from "../upstream/dial.ts";
import { connectUpstreamOf, type Upstream } from "../upstream/upstream.ts";
import { HostSession } from "./host_session.ts";

/**
 * Reaches the host of one tunnel for all of its streams: over one connection, if the host speaks HTTP/2, else over one for
 * each exchange.
 */
export class HostConnector implements Disposable {
  #session: HostSession | undefined;
  #connecting: Promise<HostSession | Upstream> | undefined;
  readonly #sessions = new Set<HostSession>();

  readonly connect = async (target: DialTarget, settings: DialSettings): Promise<Upstream> => {
    if (this.#session?.isAlive === true) return this.#session.open();
    // Streams that come together share what the first one finds.
    const connecting = this.#connecting ??= this.#reach(target, settings).finally(() => this.#connecting = undefined);
    const first = await connecting;
    if (first instanceof HostSession) return first.open();
    return await this.#own(first, target, settings);
  };

  /** A connection of HTTP/1.1 belongs to who asked first; others open their own. */
  readonly #taken = new WeakSet<Upstream>();

  async #own(upstream: Upstream, target: DialTarget, settings: DialSettings): Promise<Upstream> {
    if (!this.#taken.has(upstream)) {
      this.#taken.add(upstream);
      return upstream;
    }
    const own = await this.#reach(target, settings);
    return own instanceof HostSession ? own.open() : own;
  }

  async #reach(target: DialTarget, settings: DialSettings): Promise<HostSession | Upstream> {
    const reached = await connectUpstreamOf(target, settings, (conn) => new HostSession(conn));
    if (reached instanceof HostSession) {
      for (const session of this.#sessions) if (!session.isAlive) this.#sessions.delete(session);
      this.#sessions.add(reached);
      this.#session = reached;
    }
    return reached;
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session[Symbol.dispose]();
  }
}
