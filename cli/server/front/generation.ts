import type { Bundle, Resource } from "../../../policy/server/bundle.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import { PolicySet } from "../../../policy/server/policy_set.ts";
import { parseResourceRef } from "../../../policy/server/resource_ref.ts";
import type {
  FetchCommand,
  FetchReply,
  StateAnswer,
  StateRequest,
  ValueRequest,
} from "../../../proxy/edge/protocol.ts";
import { ValueCache } from "../../../proxy/edge/value_cache.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { JwtVerifier } from "../identity/jwt_verifier.ts";
import type { FrontGeneration, FrontProxy } from "./protocol.ts";

/** What `revokers` is asked about: no resource has this ref unless a bundle names it so. */
const REVOCATION = parseResourceRef("kz:revocation");

/** All that requests are decided by between two readings of the bundle. */
export class Generation implements Disposable {
  readonly policies: PolicySet;
  readonly resources: readonly Resource[];
  readonly verifier: JwtVerifier;
  readonly edge: PortCaller<FetchCommand, FetchReply>;
  /** Values of `mode: direct`. */
  readonly values: ValueCache;
  readonly state: PortCaller<StateRequest, StateAnswer>;
  readonly proxy: FrontProxy | undefined;
  readonly #revokers: PolicySet | undefined;
  readonly #scope = new DisposableStack();

  /** @throws {AppError} for a rule that does not compile. */
  constructor({ bundle, edge, jwks, vault, state, proxy }: FrontGeneration) {
    this.policies = new PolicySet(bundle.policies);
    this.#revokers = revokersOf(bundle);
    this.resources = bundle.resources;
    this.proxy = proxy;
    this.edge = this.#scope.use(new PortCaller<FetchCommand, FetchReply>(edge));
    this.state = this.#scope.use(new PortCaller<StateRequest, StateAnswer>(state));
    const keys = this.#scope.use(new PortCaller<{ url: string }, string>(jwks));
    this.verifier = new JwtVerifier(bundle.issuers, { fetchJwks: (url) => keys.call({ url }), now: Date.now });
    this.values = this.#scope.use(new ValueCache(this.#scope.use(new PortCaller<ValueRequest, null>(vault))));
  }

  /** Whether somebody may revoke the tokens of others. */
  mayRevoke(identity: Identity): boolean {
    const input = { identity, ref: REVOCATION, context: {}, request: undefined };
    return this.#revokers?.decide(input).effect === "allow";
  }

  [Symbol.dispose](): void {
    this.#scope.dispose();
  }
}

function revokersOf({ revokers }: Bundle): PolicySet | undefined {
  return revokers === undefined ? undefined : new PolicySet([{ name: "revokers", effect: "allow", rule: revokers }]);
}
