import type { Secret } from "../../policy/secret.ts";
import { parseSecretName, type SecretName } from "../../policy/secret_name.ts";
import type { Resource } from "../../policy/server/bundle.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { findTokens, type FoundPlace } from "./found_tokens.ts";
import type { ValueRequest } from "./protocol.ts";
import type { SwapEvent } from "./swap_audit.ts";
import type { ProxyPass, SealedClaims } from "./token_sealer.ts";

/** One sealed token of a request, as far as it has been looked at. */
export interface SwapToken {
  readonly text: string;
  /** Each time that it stands in the head. */
  readonly places: readonly FoundPlace[];
  /** What the swap calls it, and a refusal of it. */
  readonly name: SecretName;
  /** Set once it is known to be one of this server's. */
  claims?: SealedClaims;
  resource?: Resource;
  /** Where its value comes from, and the value, which belongs to the swap. */
  wanted?: ValueRequest;
  secret?: Secret;
}

/** A method as rules and the audit know them; all others are refused. */
export const METHOD_REGEXP = /^[A-Z][A-Z-]{0,31}$/;

/** What one request to a server's proxy swaps, for as long as its exchange goes on. */
export class Swap implements Disposable {
  readonly tokens: readonly SwapToken[];
  /** The token that is being looked at. */
  current: SwapToken | undefined;
  /** Its line of permission is in the log. */
  isAnnounced = false;
  readonly #event: Omit<SwapEvent, "outcome">;

  constructor({ head, target, origin }: Exchange, { issuer, subject }: ProxyPass) {
    const method = METHOD_REGEXP.test(head.method) ? { method: head.method } : {};
    this.#event = { issuer, subject, host: origin.host, port: origin.port, ...method };
    const places = new Map<string, FoundPlace[]>();
    for (const { text, place } of findTokens(head, target)) places.set(text, [...places.get(text) ?? [], place]);
    this.tokens = Array.from(places, ([text, places], at) => ({
      text,
      places,
      name: parseSecretName(`TOKEN_${at + 1}`),
    }));
  }

  /** @throws {Refusal} `PROXY_TOKEN_LIMIT` before any of them is opened. */
  assertFewTokens(): void {
    if (this.tokens.length > LIMITS.sealedTokens) throw new Refusal("PROXY_TOKEN_LIMIT");
  }

  /** A line for each token that goes out. */
  get allowed(): SwapEvent[] {
    return this.tokens.map((token) => ({ ...this.#event, outcome: "allowed", ...tokenFacts(token) }));
  }

  /** The lines for a refusal: of the token that is the reason, or else of all. None if it is about no token. */
  refused({ code, status, facts }: Refusal): SwapEvent[] {
    const about = this.tokens.length > 0 || /^(?:PROXY_TOKEN|PROXY_PASS|POLICY)_/.test(code);
    if (!about || code === "PROXY_AUDIT_UNAVAILABLE") return [];
    const event = { ...this.#event, outcome: this.isAnnounced && status >= 500 ? "error" : "denied", code } as const;
    const reason = this.current ?? this.tokens.find(({ name }) => name === facts.secret);
    const known = this.tokens.filter(({ claims }) => claims !== undefined);
    const tokens = reason !== undefined ? [reason] : known;
    return tokens.length === 0 ? [event] : tokens.map((token) => ({ ...event, ...tokenFacts(token) }));
  }

  [Symbol.dispose](): void {
    for (const { secret } of this.tokens) secret?.[Symbol.dispose]();
  }
}

function tokenFacts({ claims }: SwapToken): Pick<SwapEvent, "tokenId" | "ref"> {
  return claims === undefined ? {} : { tokenId: claims.id, ref: claims.resource };
}
