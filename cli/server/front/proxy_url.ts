import type { Identity } from "../../../policy/server/identity.ts";
import type { TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import type { FrontProxy } from "./protocol.ts";

/** The proxy's URL with a pass for one caller, made when it is first wanted. */
export class ProxyUrl {
  readonly #proxy: FrontProxy | undefined;
  readonly #sealer: TokenSealer;
  readonly #caller: Pick<Identity, "issuer" | "subject">;

  constructor(
    proxy: FrontProxy | undefined,
    sealer: TokenSealer,
    caller: Pick<Identity, "issuer" | "subject">,
  ) {
    this.#proxy = proxy;
    this.#sealer = sealer;
    this.#caller = caller;
  }

  /** @returns Undefined where the server has no proxy. The pass is good for as long as the token. */
  async until(expiresAt: number): Promise<string | undefined> {
    if (this.#proxy === undefined) return undefined;
    const { issuer, subject } = this.#caller;
    const url = new URL(this.#proxy.url);
    url.username = "kz";
    url.password = await this.#sealer.sealPass({ issuer, subject, expiresAt });
    return url.href.replace(/\/$/, "");
  }
}
