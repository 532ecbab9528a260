import type { Host } from "../../../policy/host.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import type { Resource } from "../../../policy/server/bundle.ts";
import { Denial, type DenialCode } from "../../../policy/server/denial.ts";
import { type FetchUrl, parseFetchUrl } from "../../../policy/server/fetch_url.ts";
import { findResource, secretRefOf } from "../../../policy/server/find_resource.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import type { PolicyDecision } from "../../../policy/server/policy_set.ts";
import { parseResourceRef, type ResourceRef } from "../../../policy/server/resource_ref.ts";
import { newTokenId, type TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import type { PortCaller } from "../../../proxy/port_calls.ts";
import type { Broker, FetchRequest, FetchResult, ResolveRequest, ResolveResult, RevokeRequest } from "../broker.ts";
import type { CallerLimiter } from "../http/caller_limiter.ts";
import { fetchResultOf } from "./fetch_result.ts";
import type { Generation } from "./generation.ts";
import { ProxyUrl } from "./proxy_url.ts";
import { redirectOf } from "./redirect.ts";

/** What a broker works with, besides what a bundle brings. */
export interface BrokerParts {
  readonly sealer: TokenSealer;
  readonly limiter: CallerLimiter;
  /** Acknowledged once it is written. */
  readonly audit: PortCaller<AuditEvent, null>;
  /** Told of what was thrown and is no denial: the caller only hears of a fault. */
  onFault(thrown: unknown): void;
}

/** Redirects that `fetch` goes along with; browsers take twenty, an API needs one or two. */
const MAX_REDIRECTS = 5;

const NOT_WRITTEN_BY_EDGE: ReadonlySet<DenialCode> = new Set(["OVERLOADED", "INTERNAL"]);

/** The longest life of a token, with some room: a revocation is not needed for longer. */
const REVOCATION_MS = 25 * 60 * 60 * 1000;

/** A caller whose JWT was verified. */
interface Caller extends Disposable {
  readonly identity: Identity;
  readonly about: Pick<AuditEvent, "issuer" | "subject">;
}

/** The broker of a front worker. Nothing is answered before the audit has it. */
export class FrontBroker implements Broker {
  /** What requests that come now are decided by. */
  generation: Generation;
  readonly #parts: BrokerParts;

  constructor(generation: Generation, parts: BrokerParts) {
    this.generation = generation;
    this.#parts = parts;
  }

  get proxyCa(): string | undefined {
    return this.generation.proxy?.caPem;
  }

  async resolve(request: ResolveRequest): Promise<ReadonlyMap<string, ResolveResult>> {
    const generation = this.generation;
    using caller = await this.#admit(request.jwt, "resolve", generation);
    const proxy = new ProxyUrl(generation.proxy, this.#parts.sealer, caller.identity);
    const results = await Promise.all(
      request.refs.map((text) => this.#resolveOne(text, { request, caller, generation, proxy })),
    );
    return new Map(request.refs.map((text, index) => [text, results[index]!]));
  }

  async #resolveOne(
    text: string,
    { request, caller, generation, proxy }: {
      request: ResolveRequest;
      caller: Caller;
      generation: Generation;
      proxy: ProxyUrl;
    },
  ): Promise<ResolveResult> {
    let about: Omit<AuditEvent, "outcome"> = { event: "resolve", ...caller.about };
    let policy = "default-deny";
    try {
      const ref = canonicalRef(text);
      about = { ...about, ref };
      const decision = generation.policies.decide({
        identity: caller.identity,
        ref,
        context: request.context,
        request: undefined,
      });
      policy = decision.policy;
      about = { ...about, ...decidedBy(decision) };
      assertAllowed(decision);
      const resource = requireResource(generation, ref);
      const now = Date.now();
      const expiresAt = now + resource.ttlSeconds * 1000;
      if (resource.mode === "direct" && !request.masksAlways) {
        const value = await valueOf(generation, resource, ref);
        await this.#write({ ...about, outcome: "allowed", mode: "direct" });
        return { allowed: true, ref, policy, mode: "direct", value, expiresAt };
      }
      const tokenId = newTokenId();
      const { issuer, subject } = caller.identity;
      const token = await this.#parts.sealer.seal({
        id: tokenId,
        resource: ref,
        issuer,
        subject,
        issuedAt: now,
        expiresAt,
      });
      const through = await proxy.until(expiresAt);
      await this.#write({ ...about, outcome: "allowed", mode: "masked", tokenId });
      return { allowed: true, ref, policy, mode: "masked", token, tokenId, expiresAt, proxy: through };
    } catch (error) {
      const denial = await this.#writeDenial(error, about);
      // Without the audit nothing at all is answered.
      if (denial.code === "AUDIT_UNAVAILABLE" || denial.code === "INTERNAL") throw denial;
      return { allowed: false, policy, denial };
    }
  }

  async fetch(request: FetchRequest): Promise<FetchResult> {
    const generation = this.generation;
    using caller = await this.#admit(request.jwt, "fetch", generation);
    let about: Omit<AuditEvent, "outcome"> = { event: "fetch", ...caller.about };
    let handedOn = false;
    try {
      const ref = canonicalRef(request.resource);
      about = { ...about, ref };
      let url = parseFetchUrl(request.url);
      let method = canonicalMethod(request.method);
      let body = request.body;
      for (let hop = 0;; hop++) {
        about = { ...about, host: url.host, port: url.port, method };
        const decision = this.#decideFetch(request, { caller, generation, ref, url, method });
        about = { ...about, ...decidedBy(decision) };
        assertAllowed(decision);
        const resource = requireResource(generation, ref);
        if (request.resolver !== undefined && request.resolver !== resource.resolver) {
          throw new Denial("RESOLVER_MISMATCH");
        }
        const { issuer, subject } = caller.identity;
        handedOn = true;
        const reply = await generation.edge.call({
          ref,
          resource,
          url: url.href,
          method,
          headers: Object.entries(request.headers),
          body,
          caller: { issuer, subject },
          policy: decision.policy,
        });
        handedOn = false;
        const redirect = redirectOf(reply, url, method);
        if (redirect.kind !== "follow" || hop === MAX_REDIRECTS) return fetchResultOf(reply, redirect.kind !== "none");
        url = redirect.url;
        method = redirect.method;
        if (!redirect.keepsBody) body = undefined;
      }
    } catch (error) {
      // What the edge refuses, it has written down itself; not what it had no room for, or never heard of.
      if (handedOn && error instanceof Denial && !NOT_WRITTEN_BY_EDGE.has(error.code)) throw error;
      throw await this.#writeDenial(error, about);
    }
  }

  #decideFetch(
    { context }: FetchRequest,
    { caller, generation, ref, url, method }: {
      caller: Caller;
      generation: Generation;
      ref: ResourceRef;
      url: FetchUrl;
      method: string;
    },
  ): PolicyDecision {
    const request: { host: Host; method: string; path: string } = { host: url.host, method, path: url.path };
    return generation.policies.decide({ identity: caller.identity, ref, context, request });
  }

  async revoke({ jwt, target }: RevokeRequest): Promise<void> {
    const generation = this.generation;
    using caller = await this.#admit(jwt, "revoke", generation);
    const { issuer, subject } = caller.identity;
    const about: Omit<AuditEvent, "outcome"> = {
      event: "revoke",
      ...caller.about,
      ...(target.kind === "id"
        ? { tokenId: target.id }
        : { revokedIssuer: target.issuer, revokedSubject: target.subject }),
    };
    try {
      const own = target.kind === "subject" && target.issuer === issuer && target.subject === subject;
      if (!own && !generation.mayRevoke(caller.identity)) throw new Denial("POLICY_DENIED");
      const until = Date.now() + REVOCATION_MS;
      // Written down first: what the audit does not have did not happen.
      await this.#write({ ...about, outcome: "allowed" });
      await generation.state.call(
        target.kind === "id"
          ? { kind: "revoke-id", id: target.id, expiresAt: until }
          : { kind: "revoke-subject", issuer: target.issuer, subject: target.subject, keepUntil: until },
      );
    } catch (error) {
      throw await this.#writeDenial(error, about);
    }
  }

  /** Verifies who calls, and that it does not call too often. */
  async #admit(jwt: string | undefined, event: AuditEvent["event"], { verifier }: Generation): Promise<Caller> {
    let about: Caller["about"] = {};
    try {
      if (jwt === undefined) throw new Denial("JWT_MISSING");
      const { identity } = await verifier.verify(jwt);
      about = { issuer: identity.issuer, subject: identity.subject };
      const share = this.#parts.limiter.admitCaller(identity.issuer, identity.subject);
      return { identity, about, [Symbol.dispose]: () => share[Symbol.dispose]() };
    } catch (error) {
      throw await this.#writeDenial(error, { event, ...about });
    }
  }

  async #write(event: AuditEvent): Promise<void> {
    try {
      await this.#parts.audit.call(event);
    } catch (cause) {
      throw new Denial("AUDIT_UNAVAILABLE", { cause });
    }
  }

  /** @returns The denial to answer with, once it is written down. */
  async #writeDenial(error: unknown, about: Omit<AuditEvent, "outcome">): Promise<Denial> {
    if (!(error instanceof Denial)) this.#parts.onFault(error);
    const denial = error instanceof Denial ? error : new Denial("INTERNAL", { cause: error });
    if (denial.code === "AUDIT_UNAVAILABLE") return denial;
    const outcome = denial.status >= 500 ? "error" : "denied";
    try {
      await this.#write({ ...about, outcome, code: denial.code });
      return denial;
    } catch (unwritten) {
      return unwritten instanceof Denial ? unwritten : denial;
    }
  }
}

function canonicalRef(text: string): ResourceRef {
  try {
    return parseResourceRef(text);
  } catch {
    throw new Denial("REF_INVALID");
  }
}

/** Methods that never go out: an echo of the request, and a tunnel (TM-21). */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT"]);

function canonicalMethod(text = "GET"): string {
  const method = text.toUpperCase();
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method) || REFUSED_METHODS.has(method)) {
    throw new Denial("REQUEST_INVALID", { detail: "the method is not one that is carried" });
  }
  return method;
}

/** What the audit says of a decision; a rule's fault is for the operator's eyes. */
function decidedBy({ policy, fault }: PolicyDecision): Pick<AuditEvent, "policy" | "detail"> {
  if (fault === undefined) return { policy };
  return { policy, detail: fault === "error" ? "the rule met an error" : "the rule is not a boolean" };
}

function assertAllowed(decision: PolicyDecision): void {
  if (decision.effect === "allow") return;
  throw new Denial("POLICY_DENIED", { policy: decision.policy });
}

function requireResource({ resources }: Generation, ref: ResourceRef): Resource {
  const resource = findResource(resources, ref);
  if (resource === undefined) throw new Denial("RESOURCE_UNKNOWN");
  return resource;
}

async function valueOf({ values }: Generation, resource: Resource, ref: ResourceRef): Promise<string> {
  const request = { backend: resource.resolver, secret: secretRefOf(resource, ref) };
  using secret = await values.get(request, { ttlMs: resource.ttlSeconds * 1000 });
  return secret.reveal((bytes) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Denial("SECRET_UNUSABLE", { detail: "the value is not UTF-8 text" });
    }
  });
}
