import { type HostGrant, parseHostGrant } from "../../policy/host_pattern.ts";
import { makeMaskedToken, type MaskedToken, TOKEN_RANDOM_BYTES } from "../../policy/masked_token.ts";
import { isSearchedValue, mintedPlacements, mintedShape } from "../../policy/minted_field.ts";
import { Secret } from "../../policy/secret.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import { makeShapedToken } from "../../policy/token_shape.ts";
import type { Authority } from "../http/target.ts";
import { LIMITS } from "../limits.ts";
import type { ProxySecret } from "../protocol.ts";
import type { Replacement } from "../scrub/scrub_plan.ts";
import type { TokenGrant, TokenTable } from "../token_table.ts";
import { FieldNames } from "./field_names.ts";

/** A credential in a host's answer. */
export interface NewCredential {
  readonly field: string;
  readonly value: string;
  /** The secrets in the request; never empty. */
  readonly used: ReadonlySet<SecretName>;
  /** Where the answer came from. */
  readonly from: Authority;
}

/** What is done with credentials that hosts give out (TM-06). */
export interface Minting {
  /** The fields that are looked at in answers to requests with these secrets; undefined: none. */
  namesFor(used: ReadonlySet<SecretName>): FieldNames | undefined;
  /** The token that stands for a credential; undefined if it holds a secret of the run, and is no new one. */
  mint(credential: NewCredential): MaskedToken | undefined;
}

/** A secret of the run, as far as it says what becomes of credentials that are got with it. */
export interface MintingRoot {
  readonly declared: ProxySecret;
  /** Its value is a token of a team server, whose own rules say where it may go. */
  readonly isSealed: boolean;
}

export interface MintedSecretsOptions {
  /** Takes the tokens. */
  readonly tokens: TokenTable;
  readonly roots: ReadonlyMap<string, MintingRoot>;
  /** Whether a text holds the value of a declared secret. */
  holdsDeclared(text: string): boolean;
  /** Told of every new one. */
  onMinted(minted: { readonly secret: SecretName; readonly field: string; readonly from: Authority }): void;
}

interface Minted {
  /** Absent once its token is refused. */
  secret: Secret | undefined;
  readonly token: MaskedToken;
  /** The token, which stands for itself. */
  readonly standIn: Replacement;
  readonly values: readonly Replacement[];
}

/** The credentials that hosts gave out in a run, each with a token of its own. */
export class MintedSecrets implements Minting {
  readonly #options: MintedSecretsOptions;
  /** By value, the longest unused first. */
  readonly #minted = new Map<string, Minted>();
  /** Whether some secret says itself what is looked for. */
  readonly #anyOwnNames: boolean;
  #usable = 0;
  #bytes = 0;
  /** Counts changes of what is searched for. */
  version = 0;
  /** Whether one of them was ever for a body's field. */
  anyInBody = false;

  constructor(options: MintedSecretsOptions) {
    this.#options = options;
    this.#anyOwnNames = options.roots.values().some(({ declared }) => declared.mints !== undefined);
  }

  namesFor(used: ReadonlySet<SecretName>): FieldNames | undefined {
    if (used.size === 0) return undefined;
    if (!this.#anyOwnNames) return FieldNames.default;
    return FieldNames.of(Array.from(used, (name) => this.#options.roots.get(name)?.declared.mints));
  }

  mint({ field, value, used, from }: NewCredential): MaskedToken | undefined {
    if (value === "") return undefined;
    const known = this.#minted.get(value);
    if (known?.secret !== undefined) {
      this.#touch(value, known);
      return known.token;
    }
    // It becomes the declared secret's token, which says where that may go.
    if (this.#options.holdsDeclared(value)) return undefined;
    if (known !== undefined) this.#forget(value, known);
    const roots = [...used];
    const [name] = roots as [SecretName, ...SecretName[]];
    const shape = mintedShape(value);
    const token = shape === undefined
      ? makeMaskedToken(randomBytes(TOKEN_RANDOM_BYTES))
      : makeShapedToken(shape, randomBytes);
    const real = new Secret(this.#options.roots.get(name)!.declared.ref, new TextEncoder().encode(value));
    const searched = isSearchedValue(value) ? [{ text: value, standIn: token, secret: name }] : [];
    const minted: Minted = { secret: real, token, standIn: { text: token, standIn: token }, values: searched };
    const grant: TokenGrant = {
      name,
      token,
      real,
      hosts: undefined,
      in: mintedPlacements(field),
      minted: {
        field,
        roots,
        within: this.#hostsOf(roots, from),
        onUsed: () => this.#touch(value, minted),
      },
    };
    this.#options.tokens.add(grant);
    this.#minted.set(value, minted);
    this.#usable++;
    this.#bytes += value.length;
    this.anyInBody ||= grant.in.some(({ kind }) => kind === "body");
    this.#evict();
    this.version++;
    this.#options.onMinted({ secret: name, field, from });
    return token;
  }

  /** What is searched for in answers: the values. */
  get values(): readonly Replacement[] {
    return Array.from(this.#minted.values(), ({ values }) => values).flat();
  }

  /** What is searched for in requests besides: the tokens. */
  get standIns(): readonly Replacement[] {
    return Array.from(this.#minted.values())
      .filter(({ secret }) => secret !== undefined)
      .map(({ standIn }) => standIn);
  }

  /** Where each of the roots lets it go. One that says nothing lets it go wherever the connection rules allow. */
  #hostsOf(roots: readonly SecretName[], from: Authority): (readonly HostGrant[])[] {
    const lists = roots.map((name) => {
      const { declared, isSealed } = this.#options.roots.get(name)!;
      // What a server's rules allow is not known here: back to where it came from, and nowhere else.
      const unsaid = isSealed ? [parseHostGrant(`${from.host}:${from.port}`)] : undefined;
      return declared.mintedHosts ?? declared.hosts ?? unsaid;
    });
    return [...new Set(lists.filter((list) => list !== undefined))];
  }

  #touch(value: string, minted: Minted): void {
    if (this.#minted.get(value) !== minted) return;
    this.#minted.delete(value);
    this.#minted.set(value, minted);
  }

  #evict(): void {
    for (const [value, minted] of this.#minted) {
      const full = this.#minted.size > LIMITS.mintedValues || this.#bytes > LIMITS.mintedBytes;
      if (full) this.#forget(value, minted);
      else if (this.#usable > LIMITS.mintedTokens) this.#revoke(minted);
      else break;
    }
  }

  /** Its token is refused from now on; its value is still searched for. */
  #revoke(minted: Minted): void {
    if (minted.secret === undefined) return;
    this.#options.tokens.delete(minted.token);
    minted.secret[Symbol.dispose]();
    minted.secret = undefined;
    this.#usable--;
  }

  #forget(value: string, minted: Minted): void {
    this.#revoke(minted);
    this.#minted.delete(value);
    this.#bytes -= value.length;
  }
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
