import { AppError } from "../policy/error.ts";
import { SEALED_PREFIX } from "../policy/sealed_token.ts";
import { type MaskedValue, maskValue } from "../policy/mask.ts";
import { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { type AwsKeyTable, pairAwsKeys, plainPlaces } from "./aws_sigv4/aws_keys.ts";
import { MintedSecrets, type MintedSecretsOptions, type Minting } from "./minted/minted_secrets.ts";
import type { ProxySecret } from "./protocol.ts";
import { MIN_SCRUBBED_BYTES, type Replacement, ScrubPlan } from "./scrub/scrub_plan.ts";
import { type TokenGrant, TokenTable } from "./token_table.ts";

/** Earlier values that are still searched for in responses: a host may go on accepting, and echoing, the last ones. */
const KEPT_VALUES = 4;

/** A secret with its value, which its provider may renew while the child keeps its token. */
class LiveSecret {
  readonly declared: ProxySecret;
  /** Its token, which stands for itself. */
  readonly tokenItself: Replacement;
  #real: Secret;
  /** As the provider gave it, newest first. */
  readonly #values: { readonly whole: string; readonly masked: MaskedValue; readonly found: readonly Replacement[] }[] =
    [];

  constructor(declared: ProxySecret, bytes: Uint8Array) {
    this.declared = declared;
    this.tokenItself = { text: declared.token, standIn: declared.token };
    this.#real = this.#take(bytes);
  }

  /** What its token stands for at present. */
  get real(): Secret {
    return this.#real;
  }

  /** Whether its value is a token of a team server. */
  get isSealed(): boolean {
    return this.#values[0]!.whole.startsWith(SEALED_PREFIX);
  }

  /** What the child saw first, and goes on seeing. */
  get text(): string {
    return this.#values.at(-1)!.masked.text;
  }

  get isShort(): boolean {
    return this.#real.reveal(({ length }) => length) < MIN_SCRUBBED_BYTES;
  }

  /** @returns Whether the value is another than before. */
  renew(bytes: Uint8Array): boolean {
    const before = this.#values[0]!.whole;
    const old = this.#real;
    const next = this.#take(bytes);
    const changed = this.#values[0]!.whole !== before;
    if (changed) this.#real = next;
    (changed ? old : next)[Symbol.dispose]();
    return changed;
  }

  /** Whether a text is the value, or what of it is masked; of a value that is empty none is. */
  is(text: string): boolean {
    return text !== "" && this.#values.some(({ whole, masked }) => text === whole || text === masked.real);
  }

  get replacements(): Replacement[] {
    return this.#values.flatMap(({ found }) => found);
  }

  #take(bytes: Uint8Array): Secret {
    const whole = decode(this.declared, bytes);
    bytes.fill(0);
    const { name, token } = this.declared;
    const masked = maskValue(whole, this.declared.mask, token);
    const found = [
      { text: whole, standIn: masked.text, secret: name },
      { text: masked.real, standIn: token, secret: name },
    ];
    if (this.#values[0]?.whole !== whole) this.#values.unshift({ whole, masked, found });
    // The first one says what the child sees.
    if (this.#values.length > KEPT_VALUES) this.#values.splice(-2, 1);
    return new Secret(this.declared.ref, new TextEncoder().encode(masked.real));
  }
}

/** What is searched for in both directions. */
interface Plans {
  /** Of credentials that hosts gave out, these. */
  readonly version: number;
  readonly outgoing: ScrubPlan;
  readonly values: ScrubPlan;
}

/** The secrets of a run, made ready for the proxy. */
export class RunSecrets {
  readonly tokens: TokenTable;
  readonly awsKeys: AwsKeyTable;
  readonly #anyInBody: boolean;
  readonly #secrets: ReadonlyMap<string, LiveSecret>;
  readonly #minted: MintedSecrets;
  /** Of the declared secrets alone. */
  #declared: Plans;
  #plans: Plans;

  /**
   * Puts tokens and values together.
   *
   * @param values UTF-8 bytes by name; one for each secret. They are zeroed.
   * @param onMinted Told of each credential that a host gives out.
   * @throws {AppError} `SECRET_NOT_TEXT` for a value that is not UTF-8.
   */
  constructor(
    secrets: readonly ProxySecret[],
    values: ReadonlyMap<string, Uint8Array>,
    onMinted: MintedSecretsOptions["onMinted"] = () => {},
  ) {
    this.awsKeys = pairAwsKeys(secrets.filter(({ mask }) => mask.kind !== "group"));
    this.#secrets = new Map(secrets.map((secret) => [secret.name, new LiveSecret(secret, values.get(secret.name)!)]));
    this.tokens = new TokenTable(
      Array.from(this.#secrets.values(), (live): TokenGrant => ({
        name: live.declared.name,
        token: live.declared.token,
        get real() {
          return live.real;
        },
        hosts: live.declared.hosts,
        in: plainPlaces(live.declared, this.awsKeys),
      })),
    );
    this.#anyInBody = secrets.some((secret) => secret.in.some(({ kind }) => kind === "body"));
    this.#minted = new MintedSecrets({
      tokens: this.tokens,
      roots: this.#secrets,
      holdsDeclared: (text) => this.#declared.values.search(new TextEncoder().encode(text)) !== undefined,
      onMinted,
    });
    this.#plans = this.#declared = this.#makePlans();
  }

  /** What becomes of credentials that hosts give out. */
  get minting(): Minting {
    return this.#minted;
  }

  /** Some secret may stand in a request body. */
  get anyInBody(): boolean {
    return this.#anyInBody || this.#minted.anyInBody;
  }

  /** Finds tokens, and values that the program was not given, in what goes out. */
  get outgoingPlan(): ScrubPlan {
    return this.#current().outgoing;
  }

  /** Finds the values, and some that were before them, in what comes back. */
  get valuePlan(): ScrubPlan {
    return this.#current().values;
  }

  /** Whether a text would tell a value to who reads it: it holds one in some form, or is one, however short. */
  isRevealing(text: string): boolean {
    if (this.valuePlan.search(new TextEncoder().encode(text)) !== undefined) return true;
    return this.#secrets.values().some((live) => live.is(text));
  }

  /** Whether a secret's value is a token of a team server. */
  isSealed(name: SecretName): boolean {
    return this.#secrets.get(name)?.isSealed === true;
  }

  /** What the child sees of each secret. */
  get masked(): ReadonlyMap<SecretName, string> {
    return new Map(Array.from(this.#secrets.values(), ({ declared, text }) => [declared.name, text]));
  }

  /** Secrets that are too short to be searched for. */
  get unscrubbed(): readonly SecretName[] {
    return Array.from(this.#secrets.values()).filter(({ isShort }) => isShort).map(({ declared }) => declared.name);
  }

  /**
   * Takes a value that a provider gave anew; the child keeps its token.
   *
   * @returns Whether it differs from the one before.
   */
  renew(name: string, bytes: Uint8Array): boolean {
    const changed = this.#secrets.get(name)?.renew(bytes) === true;
    if (changed) this.#plans = this.#declared = this.#makePlans();
    return changed;
  }

  /** Made anew when they are asked for: an answer may give out many credentials. */
  #current(): Plans {
    const { version } = this.#minted;
    if (this.#plans.version === version) return this.#plans;
    return this.#plans = this.#makePlans(this.#minted);
  }

  #makePlans(minted?: MintedSecrets): Plans {
    const live = [...this.#secrets.values()];
    const tokens = live.map(({ tokenItself }) => tokenItself);
    const values = [...live.flatMap(({ replacements }) => replacements), ...minted?.values ?? []];
    return {
      version: minted?.version ?? 0,
      outgoing: new ScrubPlan([...tokens, ...minted?.standIns ?? [], ...values]),
      values: new ScrubPlan(values),
    };
  }
}

function decode(secret: ProxySecret, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError("SECRET_NOT_TEXT", `Cannot mask secret "${secret.name}": its value is not UTF-8 text`);
  }
}
