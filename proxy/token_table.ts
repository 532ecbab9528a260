import { AppError } from "../policy/error.ts";
import type { HostGrant } from "../policy/host_pattern.ts";
import { type MaskedToken, TOKEN_PREFIX, tokenRegExp } from "../policy/masked_token.ts";
import type { Placement } from "../policy/placement.ts";
import type { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";

/** What a token stands for, and where that may go. */
export interface TokenGrant {
  readonly name: SecretName;
  readonly token: MaskedToken;
  /** UTF-8. */
  readonly real: Secret;
  readonly hosts: readonly HostGrant[] | undefined;
  readonly in: readonly Placement[];
}

/** The tokens of a run, of any shape, and how they are found in text. */
export class TokenTable {
  /** Some secret may go to certain paths of a host only. */
  readonly bindsPaths: boolean;
  readonly #grants: ReadonlyMap<string, TokenGrant>;
  /** Tokens that do not look like {@linkcode tokenRegExp}. */
  readonly #shaped: readonly string[];
  readonly #source: string;

  /** @throws {AppError} `INTERNAL` if a token stands inside another, which 64 random bits do not do by chance (TM-23). */
  constructor(grants: readonly TokenGrant[]) {
    this.bindsPaths = grants.some(({ hosts }) => hosts?.some(({ pathPrefix }) => pathPrefix !== undefined) === true);
    this.#grants = new Map(grants.map((grant) => [grant.token, grant]));
    const tokens = grants.map(({ token }) => token);
    if (tokens.some((token, at) => tokens.some((other, where) => where !== at && other.includes(token)))) {
      throw new AppError("INTERNAL", "Cannot use tokens: one stands inside another");
    }
    this.#shaped = tokens.filter((token) => !isDefault(token));
    // Tokens are made of letters, digits and "_.-"; of these only "." means something in an expression.
    const literals = this.#shaped.map((token) => token.replaceAll(".", "\\."));
    this.#source = [tokenRegExp().source, ...literals].join("|");
  }

  /** What a token of this run stands for. */
  get(token: string): TokenGrant | undefined {
    return this.#grants.get(token);
  }

  /** Whether a text holds a token of this run, or what looks like one of another. */
  standIn(text: string): boolean {
    return (text.includes(TOKEN_PREFIX) && tokenRegExp().test(text)) ||
      this.#shaped.some((token) => text.includes(token));
  }

  /** Replaces every token, in one pass: what `use` returns is not looked at again (TM-23). */
  replace(text: string, use: (token: string) => string): string {
    return text.replace(new RegExp(this.#source, "g"), (token) => use(token));
  }

  /** The text with its tokens taken out. */
  without(text: string): string {
    return this.replace(text, () => " ");
  }
}

function isDefault(token: string): boolean {
  return new RegExp(`^(?:${tokenRegExp().source})$`).test(token);
}
