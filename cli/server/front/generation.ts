import type { Resource } from "../../../policy/server/bundle.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import { PolicySet } from "../../../policy/server/policy_set.ts";
import { Rule } from "../../../policy/server/rule.ts";
import { identityBindings } from "../../../policy/server/rule_bindings.ts";
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
  readonly #revokers: Rule | undefined;
  readonly #scope = new DisposableStack();

  /** @throws {AppError} for a rule that does not compile. */
  constructor({ bundle, edge, jwks, vault, state, proxy }: FrontGeneration) {
    this.policies = new PolicySet(bundle.policies);
    this.#revokers = bundle.revokers === undefined ? undefined : Rule.compile(bundle.revokers, { over: "identity" });
    this.resources = bundle.resources;
    this.proxy = proxy;
    this.edge = this.#scope.use(new PortCaller<FetchCommand, FetchReply>(edge));
    this.state = this.#scope.use(new PortCaller<StateRequest, StateAnswer>(state));
    const keys = this.#scope.use(new PortCaller<{ url: string }, string>(jwks));
    this.verifier = new JwtVerifier(bundle.issuers, { fetchJwks: (url) => keys.call({ url }), now: Date.now });
    this.values = this.#scope.use(new ValueCache(this.#scope.use(new PortCaller<ValueRequest, null>(vault))));
  }

  /** Whether somebody may revoke the tokens of others. Doubt denies. */
  mayRevoke(identity: Identity): boolean {
    try {
      return this.#revokers?.evaluate(identityBindings(identity)) === true;
    } catch {
      // Claims beyond what a rule looks at.
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.#scope.dispose();
  }
}
