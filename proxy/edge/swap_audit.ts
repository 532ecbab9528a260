import type { AuditEvent } from "../../policy/server/audit_event.ts";
import { LIMITS } from "../limits.ts";
import type { PortCaller } from "../port_calls.ts";
import { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";

/** What is said of a swap besides that it is one. */
export type SwapEvent = Omit<AuditEvent, "event">;

const QUIET_MS = 10_000;

/** Writes what a server's proxy swaps and refuses into the audit log. */
export class SwapAudit {
  readonly #port: Pick<PortCaller<AuditEvent, null>, "call">;
  readonly #now: () => number;
  #wrongPasses = 0;
  #wrongPassesSince = -Infinity;

  /** @param now Milliseconds since the epoch. */
  constructor(port: Pick<PortCaller<AuditEvent, null>, "call">, now: () => number) {
    this.#port = port;
    this.#now = now;
  }

  /**
   * Writes a line, and waits until it is on disk.
   *
   * @throws {Refusal} `PROXY_AUDIT_UNAVAILABLE`: what is not in the log does not go out.
   */
  async record(event: SwapEvent): Promise<void> {
    using limit = timeLimit(LIMITS.workerAnswerMs, () => new Refusal("PROXY_AUDIT_UNAVAILABLE"));
    try {
      await limit.within(this.#port.call({ ...event, event: "swap" }));
    } catch {
      throw new Refusal("PROXY_AUDIT_UNAVAILABLE");
    }
  }

  /** The same for what is refused anyway, whether it can be written or not. */
  async recordRefusal(event: SwapEvent): Promise<void> {
    await this.record(event).catch(() => {});
  }

  /** For who has not shown who he is: so many lines in a time, so that nobody can fill the disk (TM-38). */
  async recordWrongPass(event: SwapEvent): Promise<void> {
    const now = this.#now();
    if (now - this.#wrongPassesSince >= QUIET_MS) {
      this.#wrongPasses = 0;
      this.#wrongPassesSince = now;
    }
    if (this.#wrongPasses++ < LIMITS.wrongPassesTold) await this.recordRefusal(event);
  }
}
