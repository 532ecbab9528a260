import { SEALED_PREFIX } from "../policy/sealed_token.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { parseServerProxy } from "../policy/server/server_proxy.ts";
import type { OutgoingRequest } from "./exchange/prepare_request.ts";
import type { Origin } from "./exchange/request_plan.ts";
import { Refusal } from "./refusal.ts";
import { ScrubPlan } from "./scrub/scrub_plan.ts";
import { ServerRoute } from "./upstream/server_route.ts";

export interface ServerTokensOptions {
  /** Told that the server's proxy does not take our pass. */
  readonly onPassRefused: () => void;
  /** Whether a secret's value is a token of the server. */
  readonly isSealed: (secret: SecretName) => boolean;
}

/** Tokens of a team server in the requests of a blind run: whatever carries one goes through the server's proxy. */
export class ServerTokens {
  readonly #options: ServerTokensOptions;
  /** Finds them in every encoding. */
  readonly #plan = new ScrubPlan([{ text: SEALED_PREFIX, standIn: SEALED_PREFIX }]);
  #route: ServerRoute | undefined;

  /**
   * @param text As `formatServerProxy()` makes it.
   * @throws {TypeError | SyntaxError} for anything else.
   */
  constructor(text: string, options: ServerTokensOptions) {
    this.#options = options;
    this.renew(text);
  }

  /** Undefined where no secret of the run needs the proxy. */
  get proxyAddress(): string | undefined {
    return this.#route?.address;
  }

  /** Takes the way to the proxy as it was read anew. */
  renew(text: string): void {
    if (parseServerProxy(text) === undefined) return;
    if (this.#route === undefined) this.#route = new ServerRoute(text, this.#options.onPassRefused);
    else this.#route.renew(text);
  }

  /**
   * Which way a request goes that is ready to go out.
   *
   * @returns Undefined: to its origin, as always.
   * @throws {Refusal} for a token that would go out in clear text, or together with a secret that the server was never to
   * see.
   */
  routeOf({ head, first, used }: OutgoingRequest, origin: Origin): ServerRoute | undefined {
    if (this.#route === undefined) return undefined;
    if (this.#plan.search(head) === undefined && this.#plan.search(first) === undefined) return undefined;
    if (!origin.secure) throw new Refusal("PROXY_CLEAR_TEXT");
    for (const secret of used) {
      if (!this.#options.isSealed(secret)) throw new Refusal("PROXY_SERVER_MIXED", { secret });
    }
    return this.#route;
  }
}
