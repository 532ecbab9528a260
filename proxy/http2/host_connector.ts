import { Refusal } from "../refusal.ts";
import type { DialSettings, DialTarget } from "../upstream/dial.ts";
import { connectUpstreamOf, type Upstream } from "../upstream/upstream.ts";
import { HostSession } from "./host_session.ts";

/**
 * Reaches the host of one tunnel for all of its streams: over one connection, if the host speaks HTTP/2, else over one for
 * each exchange.
 */
export class HostConnector implements Disposable {
  #connecting: Promise<HostSession | Upstream> | undefined;
  readonly #sessions = new Set<HostSession>();
  /** A connection of HTTP/1.1 belongs to who is given it first. */
  readonly #taken = new WeakSet<Upstream>();

  readonly connect = async (target: DialTarget, settings: DialSettings): Promise<Upstream> => {
    for (;;) {
      const session = [...this.#sessions].find(({ canOpen }) => canOpen);
      if (session !== undefined) return session.open();
      // Streams that come together share what the first one finds.
      const connecting = this.#connecting ??= this.#reach(target, settings).finally(() => this.#connecting = undefined);
      const found = await connecting;
      if (found instanceof HostSession || this.#taken.has(found)) continue;
      this.#taken.add(found);
      return found;
    }
  };

  async #reach(target: DialTarget, settings: DialSettings): Promise<HostSession | Upstream> {
    const reached = await connectUpstreamOf(target, settings, (conn) => HostSession.begin(conn));
    if (reached instanceof HostSession) {
      for (const session of this.#sessions) if (session.isClosed) this.#sessions.delete(session);
      this.#sessions.add(reached);
      if (!reached.canOpen) throw new Refusal("PROXY_UPSTREAM_UNREACHABLE", { detail: "it takes no stream" });
    }
    return reached;
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session[Symbol.dispose]();
  }
}
