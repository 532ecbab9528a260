import { AppError } from "../policy/error.ts";
import type { HostGrant } from "../policy/host_pattern.ts";
import { type MaskedToken, TOKEN_PREFIX, tokenRegExp } from "../policy/masked_token.ts";
import type { Placement } from "../policy/placement.ts";
import type { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { JWT_TOKEN_PREFIX, jwtTokenRegExp } from "../policy/token_shape.ts";

/** What a token stands for, and where that may go. */
export interface TokenGrant {
  readonly name: SecretName;
  readonly token: MaskedToken;
  /** UTF-8. */
  readonly real: Secret;
  readonly hosts: readonly HostGrant[] | undefined;
  readonly in: readonly Placement[];
  /** Set for a credential that a host gave out in the run (TM-06). */
  readonly minted?: MintedGrant;
}

/** What is particular to a minted credential; `name` is that of the first of its roots. */
export interface MintedGrant {
  readonly field: string;
  /** The declared secrets that it was got with: whoever sends it has used them. */
  readonly roots: readonly SecretName[];
  /** Besides `hosts`, each of these lists must allow a destination. */
  readonly within: readonly (readonly HostGrant[])[];
  /** Told of each use. */
  onUsed(): void;
}

const DEFAULT_TOKEN_REGEXP = new RegExp(tokenRegExp().source);

/** The tokens of a run, of any shape, and how they are found in text. */
export class TokenTable {
  readonly #grants: Map<string, TokenGrant>;
  /** Declared tokens that do not look like {@linkcode tokenRegExp}. */
  readonly #shaped: readonly string[];
  /** Every token; global, which {@linkcode String.replace} begins anew each time. */
  #regExp: RegExp;
  #bindsPaths: boolean;
  /** Some minted token is a JWT. */
  #anyJwt = false;

  /** @throws {AppError} `INTERNAL` if a token stands inside another, which 64 random bits do not do by chance (TM-23). */
  constructor(grants: readonly TokenGrant[]) {
    this.#bindsPaths = grants.some(bindsPaths);
    this.#grants = new Map(grants.map((grant) => [grant.token, grant]));
    const tokens = grants.map(({ token }) => token);
    if (tokens.some((token, at) => tokens.some((other, where) => where !== at && other.includes(token)))) {
      throw new AppError("INTERNAL", "Cannot use tokens: one stands inside another");
    }
    this.#shaped = tokens.filter((token) => !isDefault(token));
    // Tokens are made of letters, digits and "_.-"; of these only "." means something in an expression.
    const literals = this.#shaped.map((token) => token.replaceAll(".", "\\."));
    this.#regExp = new RegExp([tokenRegExp().source, ...literals].join("|"), "g");
  }

  /** Some secret may go to certain paths of a host only. */
  get bindsPaths(): boolean {
    return this.#bindsPaths;
  }

  /** Takes the token of a minted credential: of the usual form, or of the shape `jwt`. It is as random as the others. */
  add(grant: TokenGrant): void {
    this.#grants.set(grant.token, grant);
    this.#bindsPaths ||= bindsPaths(grant);
    if (this.#anyJwt || isDefault(grant.token)) return;
    this.#anyJwt = true;
    this.#regExp = new RegExp(`${this.#regExp.source}|${jwtTokenRegExp().source}`, "g");
  }

  /** Forgets a token: whoever uses it is refused. */
  delete(token: MaskedToken): void {
    this.#grants.delete(token);
  }

  /** What a token of this run stands for. */
  get(token: string): TokenGrant | undefined {
    return this.#grants.get(token);
  }

  /** Whether a text holds a token of this run, or what looks like one of another. */
  standIn(text: string): boolean {
    return (text.includes(TOKEN_PREFIX) && DEFAULT_TOKEN_REGEXP.test(text)) ||
      this.#shaped.some((token) => text.includes(token)) ||
      (this.#anyJwt && text.includes(JWT_TOKEN_PREFIX) && jwtTokenRegExp().test(text));
  }

  /** Replaces every token, in one pass: what `use` returns is not looked at again (TM-23). */
  replace(text: string, use: (token: string) => string): string {
    return text.replace(this.#regExp, (token) => use(token));
  }

  /** The text with its tokens taken out. */
  without(text: string): string {
    return text.replace(this.#regExp, " ");
  }
}

function bindsPaths({ hosts, minted }: TokenGrant): boolean {
  return [hosts ?? [], ...minted?.within ?? []].some((list) => list.some(({ pathPrefix }) => pathPrefix !== undefined));
}

function isDefault(token: string): boolean {
  return new RegExp(`^(?:${tokenRegExp().source})$`).test(token);
}
