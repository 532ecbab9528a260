import type { AuditEvent } from "../../policy/server/audit_event.ts";
import type { Network, Resource } from "../../policy/server/bundle.ts";
import { Denial } from "../../policy/server/denial.ts";
import { type FetchUrl, parseFetchUrl } from "../../policy/server/fetch_url.ts";
import { findResource, secretRefOf } from "../../policy/server/find_resource.ts";
import { ByteBudget, type ByteLease } from "../byte_budget.ts";
import { type ClientResponse, sendOnce } from "../client/send_once.ts";
import type { PortCaller } from "../port_calls.ts";
import { Refusal } from "../refusal.ts";
import { timeLimit } from "../time_limit.ts";
import type { DialSettings } from "../upstream/dial.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import { fetchReply } from "./fetch_reply.ts";
import { injectCredential } from "./inject_credential.ts";
import { isFetchMethod, planFetch, type PlannedFetch, refuseHeld } from "./plan_fetch.ts";
import type { FetchCommand, FetchReply } from "./protocol.ts";
import { Slots } from "./slots.ts";
import type { ValueCache } from "./value_cache.ts";

/** What a fetcher works with. */
export interface FetcherOptions {
  readonly resources: readonly Resource[];
  readonly dial: DialSettings;
  readonly values: ValueCache;
  readonly audit: Pick<PortCaller<AuditEvent, null>, "call">;
}

/**
 * Makes requests for callers, with values that they never see: one hop each, no redirect followed (TM-11).
 *
 * What may be asked is checked here again, by the edge's own copy of the bundle (TM-34). A fetch goes out only after it is
 * in the audit log.
 */
export class EdgeFetcher {
  readonly #options: FetcherOptions;
  readonly #slots = new Slots({ running: EDGE_LIMITS.runningFetches, waiting: EDGE_LIMITS.waitingFetches });
  readonly #budget = new ByteBudget(EDGE_LIMITS.heldBytes);

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Bytes of bodies that are held now. */
  get heldBytes(): number {
    return this.#budget.taken;
  }

  /** Takes no more fetches, and waits for those that have begun. */
  async close(): Promise<void> {
    await this.#slots.close();
  }

  /** @throws {Denial} */
  async fetch(command: FetchCommand): Promise<FetchReply> {
    const deadline = performance.now() + EDGE_LIMITS.fetchTimeoutMs;
    try {
      using lease = this.#budget.lease();
      lease.grow(command.body?.length ?? 0);
      using _slot = await this.#slots.enter();
      return await this.#audited(command, { lease, deadline });
    } catch (error) {
      throw toDenial(error);
    }
  }

  /** Runs a fetch between its lines in the audit log. */
  async #audited(command: FetchCommand, scope: FetchScope): Promise<FetchReply> {
    const event: FetchEvent = { ...command.caller, event: "fetch", ref: command.ref, policy: command.policy };
    let facts: Partial<AuditEvent> = isFetchMethod(command.method) ? { method: command.method } : {};
    try {
      const url = parseFetchUrl(command.url);
      facts = { ...facts, host: url.host, port: url.port };
      const reply = await this.#carry(command, url, {
        ...scope,
        announce: () => this.#record({ ...event, ...facts, outcome: "allowed" }),
      });
      await this.#record({ ...event, ...facts, outcome: "allowed", status: reply.status });
      return reply;
    } catch (error) {
      const denial = toDenial(error);
      if (denial.code !== "AUDIT_UNAVAILABLE") {
        // What the caller or the bundle is the reason of is denied; what a backend or a host is, has failed.
        const outcome = denial.status >= 500 ? "error" : "denied";
        await this.#record({ ...event, ...facts, outcome, code: denial.code });
      }
      throw denial;
    }
  }

  /** @param announce Called when all is decided: nothing goes out before it is done. */
  async #carry(
    command: FetchCommand,
    url: FetchUrl,
    { lease, deadline, announce }: FetchScope & { announce: () => Promise<void> },
  ): Promise<FetchReply> {
    const { values } = this.#options;
    // The front's word for what the resource is would be a way round the bundle.
    const resource = findResource(this.#options.resources, command.ref);
    if (resource === undefined) throw new Denial("RESOURCE_UNKNOWN");
    const planned = planFetch(url, command, resource);
    const wanted = { backend: resource.resolver, secret: secretRefOf(resource, command.ref) };
    using secret = await values.get(wanted, { ttlMs: resource.ttlSeconds * 1000 });
    refuseHeld(planned, values.valuePlan);
    const { pathAndQuery } = url;
    const request = injectCredential({ pathAndQuery, fields: planned.fields }, resource.location, secret);
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) throw new Denial("OVERLOADED", { detail: "its turn did not come in time" });
    await announce();
    const response = await this.#send({ ...planned, ...request }, { lease, timeoutMs });
    if (response.status === 401) values.markUnauthorized(wanted);
    return fetchReply(response, values.valuePlan);
  }

  async #send(
    { url, method, pathAndQuery, fields, body, named }: PlannedFetch & { pathAndQuery: string },
    { lease, timeoutMs }: { lease: ByteLease; timeoutMs: number },
  ): Promise<ClientResponse> {
    const origin = { host: url.host, port: url.port, secure: true };
    return await sendOnce({ origin, method, pathAndQuery, fields, body }, {
      dial: this.#options.dial,
      allowPrivate: named,
      maxBytes: EDGE_LIMITS.responseBodyBytes,
      longer: "cut",
      timeoutMs,
      lease,
    });
  }

  /** Writes a line, and waits until it is on disk. */
  async #record(event: AuditEvent): Promise<void> {
    using limit = timeLimit(EDGE_LIMITS.auditTimeoutMs, () => new Error("Cannot write audit line: no answer in time"));
    try {
      await limit.within(this.#options.audit.call(event));
    } catch (cause) {
      throw new Denial("AUDIT_UNAVAILABLE", { cause });
    }
  }
}

/** The edge's `net` permission is the resources' hosts by name: names are dialled, and what answers is checked. */
export function edgeDial({ connect, upstreamCa }: Network): DialSettings {
  return { connect, upstreamCa, anyAddress: false };
}

interface FetchScope {
  readonly lease: ByteLease;
  /** By `performance.now()`. */
  readonly deadline: number;
}

type FetchEvent = Pick<AuditEvent, "event" | "issuer" | "subject" | "ref" | "policy">;

function toDenial(error: unknown): Denial {
  if (error instanceof Denial) return error;
  if (error instanceof Refusal && error.code === "PROXY_OVERLOADED") return new Denial("OVERLOADED");
  return new Denial("INTERNAL", { cause: error });
}
