import { isGranted } from "../../policy/host_pattern.ts";
import { PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import type { Resource } from "../../policy/server/bundle.ts";
import { Denial, type DenialCode } from "../../policy/server/denial.ts";
import { findResource, secretRefOf } from "../../policy/server/find_resource.ts";
import { type AccessTarget, mayAccess } from "../../policy/server/resource_access.ts";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { ClientLogin } from "../client_login.ts";
import {
  carryExchange,
  type ClientConnection,
  type Exchange,
  type ExchangeEnd,
  ResponseCut,
} from "../exchange/exchange.ts";
import { basicCredentials } from "../http/basic_credentials.ts";
import { type Field, single } from "../http/fields.ts";
import { HttpError } from "../http/http_error.ts";
import type { Authority } from "../http/target.ts";
import { LIMITS } from "../limits.ts";
import type { PortCaller } from "../port_calls.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import type { ProxyService } from "../proxy_service.ts";
import { Refusal, type RefusalCode } from "../refusal.ts";
import { MIN_SCRUBBED_BYTES } from "../scrub/scrub_plan.ts";
import { timeLimit } from "../time_limit.ts";
import type { DialSettings } from "../upstream/dial.ts";
import { isLocation } from "./found_tokens.ts";
import type { StateAnswer, StateRequest } from "./protocol.ts";
import { METHOD_REGEXP, Swap, type SwapToken } from "./swap.ts";
import type { SwapAudit } from "./swap_audit.ts";
import { swapRule } from "./swap_rule.ts";
import { SwapPlans, swapPolicy, type SwapValues } from "./swap_policy.ts";
import type { ProxyPass, TokenSealer } from "./token_sealer.ts";

/** What a server's proxy decides by. */
export interface EdgeServiceOptions {
  readonly sealer: TokenSealer;
  /** Of the bundle that is in force. */
  readonly resources: readonly Resource[];
  readonly values: SwapValues;
  readonly dial: DialSettings;
  readonly audit: SwapAudit;
  readonly state: Pick<PortCaller<StateRequest, StateAnswer>, "call">;
  /** Milliseconds since the epoch. */
  now(): number;
  onRefusal(refusal: Refusal): void;
}

/** What is worth a line of who has no valid pass. */
const SHOWN = [[PASS_PREFIX, "a pass that is not valid"], [SEALED_PREFIX, "a token in place of a pass"]] as const;

/** The port of https, which a host of a resource means if it says none. */
const DEFAULT_PORT = 443;

/**
 * Swaps the sealed tokens of callers for values: each only for the caller it was made for, until it expires or is revoked,
 * and only where its resource may go now (TM-36).
 *
 * What holds no token is carried to where some resource may go, and nowhere else: clients ask without credentials first.
 */
export class EdgeService implements ProxyService<ProxyPass> {
  /** Blind runs ask for it, to know whose proxy this is. */
  readonly alsoNamed = SERVER_PROXY_NAME;
  readonly #options: EdgeServiceOptions;
  readonly #plans: SwapPlans;
  /** Exchanges on their way, by caller. */
  readonly #callers = new Map<string, number>();
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: EdgeServiceOptions) {
    this.#options = options;
    this.#plans = new SwapPlans(options.values);
  }

  /** A caller shows a pass as the password of the user `kz`. */
  admit(fields: readonly Field[]): Promise<ProxyPass | undefined> | undefined {
    const value = single(fields, "proxy-authorization");
    const login = value === undefined ? undefined : basicCredentials(value);
    return login?.user === ClientLogin.user ? this.#openPass(login.password) : undefined;
  }

  async #openPass(text: string): Promise<ProxyPass | undefined> {
    const { sealer, audit, now } = this.#options;
    try {
      return await sealer.openPass(text, now());
    } catch (error) {
      if (error instanceof Denial && error.code === "TOKEN_EXPIRED") {
        const { issuer, subject } = await sealer.identifyPass(text);
        await audit.recordWrongPass({ issuer, subject, outcome: "denied", code: "PROXY_PASS_EXPIRED" });
        throw new Refusal("PROXY_PASS_EXPIRED");
      }
      const detail = SHOWN.find(([prefix]) => text.startsWith(prefix))?.[1];
      if (detail !== undefined) {
        await audit.recordWrongPass({ outcome: "denied", code: "PROXY_CREDENTIALS_REQUIRED", detail });
      }
      return undefined;
    }
  }

  admitTunnel({ host, port }: Authority, { issuer, subject }: ProxyPass): void | Promise<void> {
    if (this.#isKnown({ host, port })) return;
    const refusal = new Refusal("POLICY_HOST_DENIED");
    const who = { issuer, subject, host, port, method: "CONNECT" };
    return this.#options.audit.recordRefusal({ ...who, outcome: "denied", code: refusal.code }).then(() => {
      throw refusal;
    });
  }

  /** Whether any resource may go to a host, whatever the request. */
  #isKnown({ host, port }: Authority): boolean {
    const target = { host, port, defaultPort: DEFAULT_PORT, path: "/" };
    return this.#options.resources.some(({ hosts }) =>
      isGranted(hosts.map((grant) => ({ ...grant, pathPrefix: undefined })), target)
    );
  }

  async carry(exchange: Exchange, client: ClientConnection, caller: ProxyPass): Promise<ExchangeEnd> {
    using swap = new Swap(exchange, caller);
    try {
      using _ = this.#enter(caller);
      const policy = await this.#decide(swap, exchange, caller);
      const end = await carryExchange(exchange, client, policy);
      if (end.refusal !== undefined) await this.#recordRefusal(swap, end.refusal);
      return end;
    } catch (error) {
      exchange.reusable?.[Symbol.dispose]();
      const refusal = Refusal.from(error instanceof ResponseCut ? error.cause : error, {});
      if (refusal !== undefined) await this.#recordRefusal(swap, refusal);
      throw error;
    }
  }

  onRefusal({ code, facts: { secret: _, ...facts }, status }: Refusal): void {
    // What a swap calls its tokens means nothing to others.
    this.#options.onRefusal(new Refusal(code, facts, status));
  }

  /** Waits until no exchange is on its way. */
  async idle(): Promise<void> {
    if (this.#callers.size === 0) return;
    await (this.#idle ??= Promise.withResolvers()).promise;
  }

  async #recordRefusal(swap: Swap, refusal: Refusal): Promise<void> {
    for (const event of swap.refused(refusal)) await this.#options.audit.recordRefusal(event);
  }

  /** One caller cannot take the place of all others (TM-38). */
  #enter({ issuer, subject }: ProxyPass): Disposable {
    const key = JSON.stringify([issuer, subject]);
    const before = this.#callers.get(key) ?? 0;
    if (before >= LIMITS.exchangesPerCaller) throw new Refusal("PROXY_CALLER_LIMIT");
    this.#callers.set(key, before + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#callers.get(key) ?? 1) - 1;
        if (left > 0) this.#callers.set(key, left);
        else this.#callers.delete(key);
        if (this.#callers.size > 0) return;
        this.#idle?.resolve();
        this.#idle = undefined;
      },
    };
  }

  /** Decides a request before anything of it is planned, and makes what it is carried by. */
  async #decide(swap: Swap, { head, target, origin }: Exchange, caller: ProxyPass): Promise<ProxyPolicy> {
    const { now, values, dial, audit } = this.#options;
    // A tunnel may be older than the pass that it was opened with.
    if (!(now() < caller.expiresAt)) throw new Refusal("PROXY_PASS_EXPIRED", {}, 403);
    swap.assertFewTokens();
    await eachOf(swap, (token) => this.#identify(token, caller));
    if (!METHOD_REGEXP.test(head.method)) throw new HttpError("HTTP_METHOD_REFUSED", 405);
    if (!origin.secure) throw new Refusal("PROXY_CLEAR_TEXT");
    const access: AccessTarget = { host: origin.host, port: origin.port, method: head.method, path: target.path };
    await eachOf(swap, (token) => this.#authorize(token, access));
    const resources = swap.tokens.length === 0 ? this.#open(access) : swap.tokens.map(({ resource }) => resource!);
    await eachOf(swap, (token) => this.#read(token));
    return swapPolicy(swap, {
      plans: this.#plans,
      values,
      dial,
      rule: swapRule(access, { resources, all: swap.tokens.length > 0 }),
      announce: async () => {
        for (const event of swap.allowed) await audit.record(event);
        swap.isAnnounced = true;
      },
    });
  }

  /** Which resources let a request without a token through. */
  #open(access: AccessTarget): readonly Resource[] {
    const open = this.#options.resources.filter((resource) => mayAccess(resource, access));
    if (open.length > 0) return open;
    throw new Refusal(this.#isKnown(access) ? "POLICY_REQUEST_DENIED" : "POLICY_HOST_DENIED");
  }

  /** Whose a token is, if it is good. */
  async #identify(token: SwapToken, caller: ProxyPass): Promise<void> {
    const { sealer, now } = this.#options;
    try {
      token.claims = await sealer.open(token.text, now());
    } catch (error) {
      const refusal = refusalOf(error, "PROXY_TOKEN_INVALID");
      if (refusal.code === "PROXY_TOKEN_EXPIRED") token.claims = await sealer.identify(token.text);
      throw refusal;
    }
    const { issuer, subject } = token.claims;
    if (issuer !== caller.issuer || subject !== caller.subject) throw new Refusal("PROXY_TOKEN_SUBJECT_MISMATCH");
  }

  /** Whether a token may be used still, there, and in its place. */
  async #authorize(token: SwapToken, access: AccessTarget): Promise<void> {
    const { id, issuer, subject, issuedAt, resource: ref } = token.claims!;
    if (await this.#isRevoked({ kind: "is-revoked", id, issuer, subject, issuedAt })) {
      throw new Refusal("PROXY_TOKEN_REVOKED");
    }
    const resource = findResource(this.#options.resources, ref);
    if (resource === undefined) throw new Refusal("PROXY_TOKEN_RESOURCE_UNKNOWN");
    if (!mayAccess(resource, access)) throw new Refusal("POLICY_TOKEN_TARGET_DENIED");
    if (!token.places.every((place) => isLocation(resource.location, place))) {
      throw new Refusal("PROXY_TOKEN_MISPLACED", { detail: "its resource has another credential_location" });
    }
    token.resource = resource;
  }

  async #isRevoked(request: StateRequest): Promise<boolean> {
    const late = new Refusal("PROXY_STATE_UNAVAILABLE");
    using limit = timeLimit(LIMITS.workerAnswerMs, () => late);
    try {
      const { revoked } = await limit.within(this.#options.state.call(request));
      return revoked !== false;
    } catch {
      throw late;
    }
  }

  async #read(token: SwapToken): Promise<void> {
    const { resolver: backend, ttlSeconds } = token.resource!;
    try {
      token.wanted = { backend, secret: secretRefOf(token.resource!, token.claims!.resource) };
      token.secret = await this.#options.values.get(token.wanted, { ttlMs: ttlSeconds * 1000 });
    } catch (error) {
      throw refusalOf(error, "PROXY_SECRET_UNAVAILABLE");
    }
    if (token.secret.reveal(({ length }) => length) < MIN_SCRUBBED_BYTES) {
      throw new Refusal("PROXY_VALUE_UNSENDABLE", { detail: "it is too short to be found in a response" });
    }
  }
}

/** Does something with each token; while it fails, that token is the reason. */
async function eachOf(swap: Swap, use: (token: SwapToken) => Promise<void>): Promise<void> {
  for (const token of swap.tokens) {
    swap.current = token;
    await use(token);
  }
  swap.current = undefined;
}

const CODES: { readonly [code in DenialCode]?: RefusalCode } = {
  TOKEN_INVALID: "PROXY_TOKEN_INVALID",
  TOKEN_EXPIRED: "PROXY_TOKEN_EXPIRED",
  SECRET_UNAVAILABLE: "PROXY_SECRET_UNAVAILABLE",
  SECRET_UNUSABLE: "PROXY_VALUE_UNSENDABLE",
  OVERLOADED: "PROXY_OVERLOADED",
};

function refusalOf(error: unknown, otherwise: RefusalCode): Refusal {
  return new Refusal(error instanceof Denial ? CODES[error.code] ?? otherwise : otherwise);
}
