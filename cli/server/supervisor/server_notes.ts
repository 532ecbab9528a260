import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import type { AuditProcess } from "../audit/audit_process.ts";

/** Lines that are owed at one time; one is a reload. */
const MAX_OWED = 64;

/**
 * What the server itself has to say to the audit log: that it took a bundle, that it ends.
 *
 * A bundle is taken whether the log can be written or not: the one before may be what has to go, and without the log
 * nothing is allowed by either. The line is owed then, and written as soon as one can be.
 */
export class ServerNotes {
  readonly #audit: Pick<AuditProcess, "append">;
  readonly #owed: AuditEvent[] = [];

  constructor(audit: Pick<AuditProcess, "append">) {
    this.#audit = audit;
  }

  /** Writes a line, after those that are owed. Never rejects: that the log cannot be written is told by the log. */
  async write(event: Omit<AuditEvent, "event">): Promise<void> {
    if (this.#owed.length < MAX_OWED) this.#owed.push({ event: "server", ...event });
    await this.writeOwed();
  }

  /** Called by one at a time. */
  async writeOwed(): Promise<void> {
    try {
      for (let [next] = this.#owed; next !== undefined; [next] = this.#owed) {
        await this.#audit.append(next);
        this.#owed.shift();
      }
    } catch {
      // Later.
    }
  }
}
