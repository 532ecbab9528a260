import { decideConnection } from "../policy/connection_rule.ts";
import type { Host } from "../policy/host.ts";
import type { ClientLogin } from "./client_login.ts";
import { carryExchange, type ClientConnection, type Exchange, type ExchangeEnd } from "./exchange/exchange.ts";
import type { Field } from "./http/fields.ts";
import type { Authority } from "./http/target.ts";
import type { ProxyPolicy } from "./proxy_policy.ts";
import { Refusal } from "./refusal.ts";

/** Who may use a proxy, and what is carried for whom. What is answered at once is not waited for. */
export interface ProxyService<Caller extends object> {
  /**
   * A name that clients in any tunnel may ask for in place of its host's, and that every certificate holds. It says nothing
   * of where requests go. Absent: there is none.
   */
  readonly alsoNamed?: Host;
  /**
   * Whose a request is, by its `Proxy-Authorization`; undefined: nobody's who may use this proxy.
   *
   * @throws {Refusal} if more can be said than that.
   */
  admit(fields: readonly Field[]): Caller | undefined | Promise<Caller | undefined>;
  /**
   * Lets a tunnel be opened, by host and port alone: what a request inside may do is decided when it is seen. Nothing is
   * looked up before.
   *
   * @throws {Refusal}
   */
  admitTunnel(authority: Authority, caller: Caller): void | Promise<void>;
  /**
   * Carries one request to its origin and the response back. `exchange.reusable` belongs to it from then on.
   *
   * @throws as {@linkcode carryExchange}.
   */
  carry(exchange: Exchange, client: ClientConnection, caller: Caller): Promise<ExchangeEnd>;
  /** Told of every refusal, for the operator. */
  onRefusal(refusal: Refusal): void;
}

/** The service of a blind run: one client, the child, and one policy. */
export function runService(
  { policy, login, onRefusal }: {
    readonly policy: ProxyPolicy;
    readonly login: ClientLogin;
    onRefusal(refusal: Refusal): void;
  },
): ProxyService<ClientLogin> {
  return {
    admit: (fields) => login.accepts(fields) ? login : undefined,
    admitTunnel(authority) {
      const decision = decideConnection(policy.rules, authority, policy.matcher);
      if (decision.verdict === "deny") {
        throw new Refusal("POLICY_HOST_DENIED", decision.rule === undefined ? {} : { rule: decision.rule });
      }
    },
    carry: (exchange, client) => carryExchange(exchange, client, policy),
    onRefusal,
  };
}
